import GraphIR
import Reporting
import Verification

extension ModelFile {
  /// Proves or refutes, from the integers in the file alone, that no accumulator can overflow.
  ///
  /// - Parameter accumulatorBits: P, 1 to 64, for every layer; without it, each layer is tested against
  ///   the width that the file states for it.
  /// - Throws: ``SnugError`` where the file can't be read. A refutation is a result, not an error.
  public func verify(accumulatorBits: Int? = nil) throws(SnugError) -> VerificationReport {
    let (_, result) = try analyze(accumulatorBits: accumulatorBits)
    return VerificationReport(path: path, result: result)
  }

  /// Every dot-product layer with its bits, scales, accumulator need and sparsity.
  ///
  /// - Throws: ``SnugError`` where the file can't be read.
  public func inspect() throws(SnugError) -> InspectionReport {
    let (model, result) = try analyze(accumulatorBits: nil)
    return InspectionReport(model: ModelSummary(model, path: path), result: result)
  }

  private func analyze(accumulatorBits: Int?) throws(SnugError) -> (Model, VerificationResult) {
    let model = try loadUndecoded()
    do throws(GraphError) {
      return (model, try Verifier.verify(model, accumulatorBits: accumulatorBits))
    } catch {
      throw .graph(file: path, error)
    }
  }
}

extension InspectionReport {
  /// Writes the report as a page that needs no other file.
  ///
  /// - Throws: ``SnugError`` where it can't be written, or would replace the model.
  public func writeHTML(to path: String) throws(SnugError) {
    try model.write(HTMLReport(model: model, result: result).html, to: path, as: "--html")
  }

  /// Writes the full certificate as JSON, one entry a channel.
  ///
  /// - Throws: ``SnugError`` where it can't be written, or would replace the model.
  public func writeCertificate(to path: String) throws(SnugError) {
    let certificate = Certificate(model: model, result: result)
    try model.write(certificate.json.text() + "\n", to: path, as: "--sidecar")
  }
}

extension ModelSummary {
  /// Writes something about the model to a file that is not the model's.
  fileprivate func write(_ text: String, to output: String, as option: String) throws(SnugError) {
    var paths = JobPaths()
    paths.readModel(path)
    paths.write(output, .file, as: option)
    try paths.check()
    try OutputFile.write(text, to: output)
  }
}
