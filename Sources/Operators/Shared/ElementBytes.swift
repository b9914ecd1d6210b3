import Execution
import GraphIR
import TensorCore

extension KernelInput {
  /// Bytes of one element.
  ///
  /// - Throws: ``OperatorError/unsupported(what:)`` for strings, and for types that share a byte.
  func elementBytes() throws(KernelError) -> Int {
    guard let bits = elementType.bitWidth, bits % 8 == 0 else {
      throw .operator(.unsupported(what: "element type \(elementType.onnxName)"))
    }
    return bits / 8
  }
}
