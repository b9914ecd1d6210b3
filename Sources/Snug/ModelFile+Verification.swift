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
  /// - Throws: ``SnugError/file(_:)`` where it can't be written.
  public func writeHTML(to path: String) throws(SnugError) {
    try OutputFile.write(HTMLReport(model: model, result: result).html, to: path)
  }

  /// Writes the full certificate as JSON, one entry a channel.
  ///
  /// - Throws: ``SnugError/file(_:)`` where it can't be written.
  public func writeCertificate(to path: String) throws(SnugError) {
    let certificate = Certificate(model: model, result: result)
    try OutputFile.write(certificate.json.text() + "\n", to: path)
  }
}
