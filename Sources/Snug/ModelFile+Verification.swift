import GraphIR
import Passes
import Reporting
import TensorCore
import Verification

extension ModelFile {
  /// Proves or refutes, from the integers in the file alone, that no accumulator can overflow.
  ///
  /// - Throws: ``SnugError`` where the file can't be read. A refutation is a result, not an error.
  public func verify(_ conditions: VerificationConditions = VerificationConditions())
    throws(SnugError) -> VerificationReport
  {
    let (_, result) = try analyze(conditions)
    return VerificationReport(path: path, result: result)
  }

  /// Proves or refutes it against one width for all layers.
  ///
  /// - Parameter accumulatorBits: P, 1 to 64.
  /// - Throws: ``SnugError`` where the file can't be read.
  public func verify(accumulatorBits: Int) throws(SnugError) -> VerificationReport {
    try verify(VerificationConditions(accumulatorBits: accumulatorBits))
  }

  /// The certificate of the file: the verdict with all numbers that it rests on, bound to the file's bytes.
  ///
  /// - Throws: ``SnugError`` where the file can't be read.
  public func certificate(_ conditions: VerificationConditions = VerificationConditions())
    throws(SnugError) -> Certificate
  {
    let (model, result) = try analyze(conditions)
    return Certificate(
      model: ModelSummary(model, path: path), files: try FileHash.identities(ofModel: path),
      conditions: conditions, result: result)
  }

  /// The certificate of what an inspection of the file found.
  ///
  /// - Throws: ``SnugError`` where the file can't be read.
  func certificate(of report: InspectionReport) throws(SnugError) -> Certificate {
    Certificate(
      model: report.model, files: try FileHash.identities(ofModel: path),
      conditions: VerificationConditions(), result: report.result)
  }

  /// Holds a certificate against the file: its hashes, and every number anew under the conditions that it states.
  ///
  /// - Throws: ``SnugError`` where either can't be read, or the document is no certificate.
  public func check(certificateAt document: String) throws(SnugError) -> CertificateCheck {
    let bytes = try SnugError.wrapping(
      SnugError.file, try InputFile(path: document).readAll(limit: Self.certificateLimit))
    let json: JSONValue
    do {
      json = try JSONValue(parsing: String(decoding: bytes, as: UTF8.self))
    } catch {
      throw .certificate(file: document, .malformed(error))
    }
    guard json["schema"]?.stringValue == Certificate.schema else {
      throw .certificate(file: document, .otherSchema)
    }
    guard let conditions = json["conditions"].flatMap({ VerificationConditions(json: $0) }) else {
      throw .certificate(file: document, .conditions)
    }
    let certificate = try certificate(conditions)
    return CertificateCheck(
      certificate: document, report: VerificationReport(path: path, result: certificate.result),
      differences: certificate.differences(from: json))
  }

  /// Bytes of a certificate, a few hundred a channel.
  private static let certificateLimit = 1 << 28

  /// Every dot-product layer with its bits, scales, accumulator need and sparsity.
  ///
  /// - Throws: ``SnugError`` where the file can't be read.
  public func inspect() throws(SnugError) -> InspectionReport {
    let (model, result) = try analyze(VerificationConditions())
    return InspectionReport(
      model: ModelSummary(model, path: path), result: result, outputCounts: outputCounts,
      unheld: UnheldLayer.stated(in: model, result),
      provenance: Provenance(
        statedIn: model, files: try FileHash.identities(ofModel: path)),
      ports: ModelPorts(model.graph))
  }

  /// The elements for one sample of the values whose shapes follow from the graph, by their names; a first dimension
  /// that is open counts once.
  private var outputCounts: [String: Int] {
    // What can't be decoded is reported without them.
    (try? read()).map { Self.outputCounts(in: $0) } ?? [:]
  }

  /// The same of a model in memory.
  static func outputCounts(in model: Model) -> [String: Int] {
    var model = model
    // What has no shapes is reported without them.
    _ = try? ShapeInference().run(&model.graph)
    var counts: [String: Int] = [:]
    for id in model.graph.valueIDs where model.graph[id].constant == nil {
      guard let dimensions = model.graph[id].type?.dimensions else { continue }
      let isOpen = dimensions.first.map { $0.size == nil } ?? false
      let sizes = dimensions.dropFirst(isOpen ? 1 : 0).map(\.size)
      let known = sizes.compactMap { $0 }
      guard known.count == sizes.count, let count = Shape.elementCount(known) else { continue }
      counts[model.graph[id].name] = count
    }
    return counts
  }

  private func analyze(_ conditions: VerificationConditions) throws(SnugError) -> (
    Model, VerificationResult
  ) {
    let model = try loadUndecoded()
    do {
      return (model, try Verifier.verify(model, conditions))
    } catch {
      throw .graph(file: path, error)
    }
  }
}

extension InspectionReport {
  /// Chooses which layers the report shows.
  ///
  /// - Throws: ``SnugError/unknownLayer(file:name:suggestion:)`` for a name that no layer has.
  public mutating func select(_ selection: LayerSelection) throws(SnugError) {
    let names = result.layers.map(\.layer.name)
    for pattern in selection.names
    where !names.contains(where: { NamePattern.matches(pattern, $0) }) {
      throw .unknownLayer(
        file: model.path, name: pattern,
        suggestion: Spelling.nearest(to: pattern, among: names))
    }
    self.selection = selection
  }

  /// The report as a page that needs no other file.
  public var html: String { ModelPage([ModelPage.Subject(report: self)]).html }

  /// Writes the report as a page that needs no other file.
  ///
  /// - Parameter others: models that the page shows beside this one.
  /// - Throws: ``SnugError`` where it can't be written, or would replace the model.
  public func writeHTML(to path: String, beside others: [InspectionReport] = [])
    throws(SnugError)
  {
    let subjects = ([self] + others).map { ModelPage.Subject(report: $0) }
    try model.write(ModelPage(subjects).html, to: path, as: "--html")
  }
}

extension VerificationReport {
  /// Writes what isn't certified as a SARIF log.
  ///
  /// - Throws: ``SnugError`` where it can't be written, or would replace the model.
  public func writeSARIF(to output: String) throws(SnugError) {
    try ModelSummary.write(
      sarif(version: version).text() + "\n", of: path, to: output, as: "--sarif")
  }

  /// Writes the verdict as JUnit XML.
  ///
  /// - Throws: ``SnugError`` where it can't be written, or would replace the model.
  public func writeJUnit(to output: String) throws(SnugError) {
    try ModelSummary.write(junit, of: path, to: output, as: "--junit")
  }
}

extension Certificate {
  /// Writes the certificate as JSON, one entry a channel.
  ///
  /// - Parameter option: how messages call the file.
  /// - Throws: ``SnugError`` where it can't be written, or would replace the model.
  public func write(to path: String, as option: String) throws(SnugError) {
    try model.write(json.text() + "\n", to: path, as: option)
  }
}

extension ModelSummary {
  /// Writes something about the model to a file that is not the model's.
  fileprivate func write(_ text: String, to output: String, as option: String) throws(SnugError) {
    try Self.write(text, of: path, to: output, as: option)
  }

  fileprivate static func write(
    _ text: String, of model: String, to output: String, as option: String
  ) throws(SnugError) {
    var paths = JobPaths()
    paths.readModel(model)
    paths.write(output, .file, as: option)
    try paths.check()
    try OutputFile.write(text, to: output)
  }
}
