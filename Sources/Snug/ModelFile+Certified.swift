import AccumulatorBounds
import GraphIR
import OnnxFormat
import Reporting
import Verification

/// A layer with a target width that no certificate holds for.
public struct UncertifiedLayer: Sendable, Hashable {
  public var name: String
  /// What the verifier found, in one clause.
  public var reason: String
}

extension ModelFile {
  /// Writes a model under this file's path, unless a layer with a target width is not certified in the model as it is
  /// about to be written.
  ///
  /// - Parameters:
  ///   - verdicts: the verifier's reading of the model.
  ///   - targets: names of layers that were held to a width, whatever the model says of it now.
  /// - Throws: ``SnugError/notCertified(output:layers:)``, ``SnugError/contradictoryOutput(output:_:)``, and where the output can't be written; whatever was at the
  ///   path stays as it was.
  func write(_ model: Model, _ verdicts: VerificationResult, certifying targets: Set<String>)
    throws(SnugError)
  {
    try require(verdicts, targets)
    try SnugError.wrapping(SnugError.format, try OnnxWriter.write(model, to: path))
  }

  /// Reads the file that was written, in which the same layers must be certified.
  ///
  /// - Throws: ``SnugError``, where the file says something else than the model that it was written from.
  func inspect(certifying targets: Set<String>) throws(SnugError) -> InspectionReport {
    let report = try inspect()
    try require(report.result, targets)
    return report
  }

  /// The verifier's reading of a model as its file would hold it.
  static func verdicts(on model: Model, file: String) throws(SnugError) -> VerificationResult {
    do { return try Verifier.verify(model.undecoded) } catch {
      throw .graph(file: file, error)
    }
  }

  /// Fails where a layer with a target width is not certified, or the model contradicts itself.
  ///
  /// - Parameter targets: names of layers that were held to a width.
  func require(_ result: VerificationResult, _ targets: Set<String>) throws(SnugError) {
    var open = result.layers.filter {
      !$0.isCertified && ($0.targetBits != nil || targets.contains($0.layer.name))
    }
    .map { verdict in
      UncertifiedLayer(
        name: verdict.layer.name,
        reason: verdict.findings.map(\.description).joined(separator: "; "))
    }
    let found = Set(result.layers.map(\.layer.name))
    open += targets.subtracting(found).sorted().map {
      UncertifiedLayer(name: $0, reason: "the verifier finds no such layer")
    }
    guard open.isEmpty else { throw .notCertified(output: path, layers: open) }
    // A file that contradicts itself is certified by no one, however well its layers fit.
    let hasTargets = !targets.isEmpty || result.layers.contains { $0.targetBits != nil }
    if hasTargets, let finding = result.findings.first(where: \.isRefutation) {
      throw .contradictoryOutput(output: path, finding)
    }
  }
}

extension Model {
  /// What the file states of its accumulators; empty where that can't be read.
  var accumulatorAnnotations: [AccumulatorAnnotation] {
    let entry = metadata.first { $0.key == AccumulatorAnnotation.metadataKey }
    return entry.flatMap { try? AccumulatorAnnotation.decode($0.value) } ?? []
  }

  /// The model with every node as domain, type and raw attributes, as the verifier reads it.
  fileprivate var undecoded: Model {
    var model = self
    for id in model.graph.nodeIDs {
      let node = model.graph[id]
      model.graph[id].op = OpaqueOperator(
        domain: node.op.domain, type: node.op.type, attributes: node.op.writtenAttributes)
    }
    return model
  }
}
