import Execution
import GraphIR
import TensorCore

/// What the kernels of ScatterElements and ScatterND share.
enum Scatter {
  /// Checks the updates against the type that data and indices give them.
  ///
  /// - Throws: ``OperatorError`` where element type or shape differ.
  static func check(updates: TensorType?, _ expected: TensorType?) throws(OperatorError) {
    guard let updates, let expected else { return }
    guard updates.elementType == expected.elementType else {
      throw .elementType(input: 2, actual: updates.elementType, allowed: [expected.elementType])
    }
    guard let given = updates.dimensions, let wanted = expected.dimensions else { return }
    guard given.count == wanted.count else {
      throw .rank(input: 2, expected: "\(wanted.count)", actual: given.count)
    }
    for (axis, (a, b)) in zip(wanted, given).enumerated() {
      if let a = a.size, let b = b.size, a != b {
        throw .mismatch(
          what: "dimension \(axis) of the updates", expected: "\(a)", actual: "\(b)")
      }
    }
  }

  /// Copies the data to the output, unless the output has taken over its memory.
  static func copy(_ operands: Operands, _ byteCount: Int) {
    let x = UnsafeRawPointer(operands.input(0, as: UInt8.self))
    let y = UnsafeMutableRawPointer(operands.output(as: UInt8.self))
    if x != UnsafeRawPointer(y) { y.copyMemory(from: x, byteCount: byteCount) }
  }
}
