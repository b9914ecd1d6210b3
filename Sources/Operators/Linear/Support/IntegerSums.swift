import Execution
import GraphIR

/// What adds up the products of an integer operator's operands.
package protocol IntegerSums {
  /// Writes every sum, where the operator's output has it.
  ///
  /// - Parameters:
  ///   - left, right: the operands' integers without their zero points, row-major; padding counts nothing.
  func run(
    _ left: UnsafePointer<Int16>, _ right: UnsafePointer<Int16>,
    to sums: UnsafeMutablePointer<Int32>)
}

extension IntegerConvolutionLoops: IntegerSums {}
extension IntegerMatrixLoops: IntegerSums {}

/// A dot-product operator whose operands are tensors of 8-bit integers.
package protocol IntegerProductOperator: ExecutableOperator {
  /// The position of the right operand; the left one is input 0.
  var rightOperand: Int { get }

  /// - Parameter sums: adds up the products; `nil` for exact sums in 32 bits.
  func makeKernel(_ context: KernelContext, sums: (any IntegerSums)?) throws(KernelError)
    -> any Kernel
}
