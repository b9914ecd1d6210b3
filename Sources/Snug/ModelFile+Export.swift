import AccumulatorBounds
import GraphIR
import OnnxFormat
import Passes
import Reporting
import TensorCore
import Verification

/// An exported model and what it shows of its accumulators.
public struct ExportSummary: Sendable {
  public var output: String
  public var format: ExportFormat
  /// Reading of the exported file.
  public var report: InspectionReport
  /// What was changed, pass by pass.
  public var edits: [PassReport]
}

extension ModelFile {
  /// Writes the quantized model in another deployment format; every integer stays as it is.
  ///
  /// - Parameter output: replaced only once the new file is complete.
  /// - Throws: ``SnugError`` where the file can't be read, isn't quantized, or holds what the format can't express,
  ///   where tiles that the file's order of weights fits don't fit the format's, where a layer with a target width is
  ///   not certified, and where the output can't be written.
  public func export(to output: String, _ options: ExportOptions) throws(SnugError) -> ExportSummary
  {
    var paths = JobPaths()
    paths.readModel(path)
    paths.write(output, .model, as: "--output")
    try paths.check()
    var model = try load()
    let targets = model.layersWithTarget
    // The verdict is on the file's own order of weights, which reading may have changed.
    let edits = try exporting(&model, options) { () throws(SnugError) in try verify().result }
    let result = ModelFile(output)
    try result.write(
      model, try Self.verdicts(on: model, file: path), certifying: targets)
    return ExportSummary(
      output: output, format: options.format, report: try result.inspect(certifying: targets),
      edits: edits)
  }

  /// Rewrites a quantized model in place.
  ///
  /// - Parameter verdicts: what the verifier says of the model before.
  func exporting(
    _ model: inout Model, _ options: ExportOptions,
    verdicts: () throws(SnugError) -> VerificationResult
  ) throws(SnugError) -> [PassReport] {
    guard ModelSummary(model, path: path).format != .float else { throw .notQuantized(file: path) }
    if options.batchNormalization == .thresholds, options.format != .qonnx {
      throw .thresholdsOutsideQonnx
    }
    if options.channelsLast, options.format != .qonnx, options.format != .hls4ml {
      throw .channelsLastOutsideQonnx
    }
    let writesChannelsLast = options.channelsLast || options.format == .hls4ml
    let hasTiles = model.accumulatorAnnotations.contains { $0.tiling != nil }
    let isChannelsLast = model.opset(of: Model.channelsLastDomain) != nil
    // Weights in another order put other products into a tile, whose register may not hold them.
    let fitting =
      hasTiles && (writesChannelsLast || isChannelsLast)
      ? Set(
        try verdicts().layers.filter { $0.tiles != nil && $0.overflowInTiles == nil }
          .map(\.layer.name)) : []
    var passes: [any Pass] = []
    if !writesChannelsLast, isChannelsLast {
      passes.append(ChannelsFirstExport(movesWeights: !hasTiles))
    }
    if let opset = model.opset(of: "") {
      passes.append(QuantizedOperatorDecomposition(opset: opset, keepsStandard: false))
      if opset < options.format.opset {
        passes.append(OpsetRaise(from: opset, to: options.format.opset))
      }
    }
    switch options.batchNormalization {
    case .keep: break
    case .fold: passes.append(NormalizationIntoScale())
    case .thresholds: passes.append(NormalizationToThresholds())
    }
    switch options.format {
    case .qonnx:
      passes.append(QuantExport())
      if options.channelsLast { passes += [ChannelsLastExport(), TransposeIntoWeight()] }
    case .hls4ml:
      passes += [
        QuantExport(), ScalesBehindLayers(), ChannelsLastExport(), TransposeIntoWeight(),
      ]
    case .qcdq: passes.append(LinearQuantizerExport(usesFourBits: false))
    case .qdqInt4: passes.append(LinearQuantizerExport(usesFourBits: true))
    case .integer: passes += [LinearQuantizerExport(usesFourBits: false), IntegerLayerExport()]
    }
    // Shapes tell the axes of scales, and which layers' outputs have which rank.
    let pipeline = Pipeline("export", [ShapeInference()] + passes + [DeadNodeElimination()])
    let edits: [PassReport]
    do throws(PassError) { edits = try pipeline.run(&model.graph) } catch {
      throw .conversion(file: path, .pass(error))
    }
    model.raiseVersions(for: options.format)
    for verdict in try restateAccumulators(of: &model) where fitting.contains(verdict.layer.name) {
      guard let overflow = verdict.overflowInTiles else { continue }
      throw .tilesReordered(
        file: path, layer: verdict.layer.name, overflow: "\(overflow)",
        channelsLast: writesChannelsLast)
    }
    return edits
  }

  /// Brings the annotations in line with the nodes and tensors that now stand in the model; targets stay.
  ///
  /// - Returns: the verdicts on the layers; none where the file states nothing.
  private func restateAccumulators(of model: inout Model) throws(SnugError) -> [LayerVerdict] {
    var entries = model.accumulatorAnnotations
    if entries.isEmpty { return [] }
    let result = try Self.verdicts(on: model, file: path)
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
      (Self.quantizerDomains.contains($0.domain) || $0.domain == Self.channelsLastDomain)
        && !domains.contains($0.domain)
    }
    if domains.contains(Self.channelsLastDomain), let version = opset(of: "") {
      importDomain(Self.channelsLastDomain, version: version)
    }
    for domain in domains.intersection(Self.quantizerDomains).sorted() {
      importDomain(domain, version: 1)
    }
  }

  /// Its versions are those of the standard.
  fileprivate static let channelsLastDomain = "qonnx.custom_op.channels_last"

  private static let quantizerDomains: Set = [
    "qonnx.custom_op.general", "onnx.brevitas", "finn.custom_op.general",
  ]
}

extension Model {
  /// Names of the layers that the file states a width for.
  fileprivate var layersWithTarget: Set<String> {
    Set(accumulatorAnnotations.filter { $0.targetBits != nil }.map(\.layer))
  }
}
