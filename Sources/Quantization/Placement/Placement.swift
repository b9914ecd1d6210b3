import GraphIR
import Quantizers

/// Where quantizers go and what each layer must meet, as far as the graph and the recipe decide it.
struct Placement: Sendable {
  /// Edges that share one activation quantizer.
  struct ActivationGroup: Sendable, Hashable {
    var bits: Int
    var isSigned: Bool
    /// Each edge once, in the order of the graph.
    var edges: [ActivationEdge]
    /// What the step between two levels may be.
    var scaleType: ScaleType

    /// The group's quantizer, which calibration gives a scale.
    var format: ActivationFormat {
      ActivationFormat(bits: bits, signed: isSigned, scaleType: scaleType)
    }
  }

  var groups: [ActivationGroup]
  /// In topological order.
  var layers: [PlannedLayer]
  /// In topological order.
  var products: [PlannedProduct]
  /// Names of dot-product layers that the recipe leaves in floating point.
  var excluded: [String]
}

extension [ActivationEdge] {
  /// The values that quantizers on these edges stand on, each once.
  var values: [ValueID] {
    var seen: Set<ValueID> = []
    return map(\.value).filter { seen.insert($0).inserted }
  }
}
