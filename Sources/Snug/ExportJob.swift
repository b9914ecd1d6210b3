import AccumulatorBounds
import GraphIR
import OnnxFormat
import Passes
import Reporting
import Verification

/// Writes a quantized model in the form of a format, in memory.
struct ExportJob {
  /// What messages call the model.
  let file: String
  let options: ExportOptions

  /// Rewrites a quantized model in place.
  ///
  /// - Parameter stored: the model as its file has it, which reading may have rewritten.
  /// - Throws: ``SnugError`` where it isn't quantized, or holds what the format can't express, and where tiles that fit
  ///   in the stored order of weights don't in the format's.
  func run(_ model: inout Model, storedAs stored: Model) throws(SnugError) -> [PassReport] {
    guard ModelSummary(model, path: file).format != .float else { throw .notQuantized(file: file) }
    if let feature = options.inexpressible { throw .inexpressible(feature) }
    let source = ExportSource(stored)
    // Weights in another order put other products into a tile, whose register may not hold them.
    let fitting = options.reordersTiles(of: source) ? try layersFittingTiles(stored) : []
    let edits: [PassReport]
    do {
      edits = try ExportFormat.pipeline(options, from: source).run(&model.graph)
    } catch {
      throw .conversion(file: file, .pass(error))
    }
    model.raiseVersions(for: options.format)
    for verdict in try restateAccumulators(of: &model) where fitting.contains(verdict.layer.name) {
      guard let overflow = verdict.overflowInTiles else { continue }
      throw .tilesReordered(
        file: file, layer: verdict.layer.name, overflow: "\(overflow)",
        channelsLast: options.writesChannelsLast)
    }
    return edits
  }

  /// The names of layers whose tiles all fit their registers.
  private func layersFittingTiles(_ model: Model) throws(SnugError) -> Set<String> {
    let layers = try ModelFile.verdicts(on: model, file: file).layers
    return Set(
      layers.filter { $0.tiles != nil && $0.overflowInTiles == nil }.map(\.layer.name))
  }

  /// Brings the annotations in line with the nodes and tensors that now stand in the model; targets stay.
  ///
  /// - Returns: the verdicts on the layers; none where the file states nothing.
  private func restateAccumulators(of model: inout Model) throws(SnugError) -> [LayerVerdict] {
    var entries = model.accumulatorAnnotations
    if entries.isEmpty { return [] }
    let result = try ModelFile.verdicts(on: model, file: file)
    for verdict in result.layers {
      let layer = verdict.layer
      guard let index = entries.firstIndex(where: { $0.layer == layer.name }),
        let required = verdict.requiredBits
      else { continue }
      entries[index].output = layer.output
      entries[index].requiredBits = required
      if let input = layer.input {
        entries[index].inputBits = input.bits
        entries[index].inputSigned = input.signed
      }
      if let weight = layer.weight { entries[index].weight = weight.name }
      // A format that adds biases behind the layers' scales has none in the accumulators.
      if layer.bias == nil { entries[index].biasBits = nil }
    }
    model.setMetadata(
      AccumulatorAnnotation.metadataKey, AccumulatorAnnotation.encode(entries))
    return result.layers
  }
}

extension ExportSource {
  /// What a model says of itself as its file has it.
  fileprivate init(_ model: Model) {
    self.init(
      opset: model.opset(of: ""), isChannelsLast: model.opset(of: ChannelsLast.domain) != nil,
      hasTiles: model.accumulatorAnnotations.contains { $0.tiling != nil })
  }
}

extension LayerVerdict {
  /// What says that a tile's register, or the one that adds them, can't hold its sums.
  fileprivate var overflowInTiles: Finding? {
    findings.first {
      switch $0 {
      case .tileOverflow, .outerOverflow: true
      default: false
      }
    }
  }
}

extension Model {
  /// Imports what a format's operators need.
  fileprivate mutating func raiseVersions(for format: ExportFormat) {
    irVersion = max(irVersion, format.irVersion)
    for index in opsets.indices where OpsetImport.canonical(opsets[index].domain).isEmpty {
      opsets[index].version = max(opsets[index].version, format.opset)
    }
    let domains = Set(graph.nodeIDs.map { graph[$0].op.domain })
    // A runtime may refuse a model for a domain that nothing in it uses.
    opsets.removeAll {
      (Self.quantizerDomains.contains($0.domain) || $0.domain == ChannelsLast.domain)
        && !domains.contains($0.domain)
    }
    if domains.contains(ChannelsLast.domain), let version = opset(of: "") {
      importDomain(ChannelsLast.domain, version: version)
    }
    for domain in domains.intersection(Self.quantizerDomains).sorted() {
      importDomain(domain, version: 1)
    }
  }

  private static let quantizerDomains: Set = [
    "qonnx.custom_op.general", "onnx.brevitas", "finn.custom_op.general",
  ]
}
