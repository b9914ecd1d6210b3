import GraphIR
import Verification

extension ModelFile {
  /// Proves or refutes, from the integers in the file alone, that no accumulator can overflow.
  ///
  /// - Parameter accumulatorBits: P, 1 to 64, for every layer; without it, each layer is tested against
  ///   the width that the file states for it.
  /// - Throws: ``SnugError`` where the file can't be read. A refutation is a result, not an error.
  public func verify(accumulatorBits: Int? = nil) throws(SnugError) -> VerificationResult {
    let model = try loadUndecoded()
    do throws(GraphError) {
      return try Verifier.verify(model, accumulatorBits: accumulatorBits)
    } catch {
      throw .graph(file: path, error)
    }
  }
}
