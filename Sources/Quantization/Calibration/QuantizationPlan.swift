import GraphIR
import Operators
import Quantizers

/// A placement each of whose activation quantizers has its scale.
struct QuantizationPlan: Sendable {
  /// Edges that share one activation quantizer.
  struct ActivationGroup: Sendable, Hashable {
    var edges: [ActivationEdge]
    var quantizer: ActivationQuantizer
  }

  var groups: [ActivationGroup]
  /// In topological order.
  var layers: [PlannedLayer]
  /// In topological order.
  var products: [PlannedProduct]
  /// Names of dot-product layers that the recipe leaves in floating point.
  var excluded: [String]

  /// - Parameter scales: of each group of `placement`, in order.
  init(_ placement: Placement, scales: [Float]) {
    groups = zip(placement.groups, scales).map { group, scale in
      ActivationGroup(
        edges: group.edges,
        quantizer: ActivationQuantizer(format: group.format, scale: scale))
    }
    layers = placement.layers
    products = placement.products
    excluded = placement.excluded
  }

  /// The dot products, by name, that the recipe's P doesn't hold for.
  var exemptions: [String: Conversion.Exemption] {
    var exemptions: [String: Conversion.Exemption] = [:]
    for planned in layers where planned.isExempt { exemptions[planned.layer.name] = .ioLayer }
    for product in products {
      guard let need = product.need(product.groups.map { groups[$0].quantizer.format }) else {
        exemptions[product.name] = .unknownLength
        continue
      }
      if need.bits > product.accumulatorBits {
        exemptions[product.name] = .wideProduct(requiredBits: need.bits)
      }
    }
    return exemptions
  }

  /// What quantizes the activations of a layer.
  func input(of planned: PlannedLayer) -> ActivationQuantizer { groups[planned.group].quantizer }
}
