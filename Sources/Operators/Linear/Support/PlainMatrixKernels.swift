import Execution
import GraphIR
import TensorCore

/// A number that matrix products are summed in by plain loops: doubles, and integers that wrap around.
protocol MatrixNumber: Number {
  /// A factor of Gemm, `nil` where the type can't hold it.
  init?(factor: Float)
}

extension MatrixNumber where Self: FixedWidthInteger {
  init?(factor: Float) { self.init(exactly: factor) }
}

extension Int32: MatrixNumber {}
extension Int64: MatrixNumber {}
extension UInt32: MatrixNumber {}
extension UInt64: MatrixNumber {}

extension Double: MatrixNumber {
  init?(factor: Float) { self.init(factor) }
}

/// Matrix products of the element types that oneDNN doesn't multiply.
enum PlainMatrixKernels {
  /// What Gemm adds: the third input in that shape, and its factor.
  typealias Addend = (shape: [Int], factor: Float)

  /// `alpha` times the product, plus the addend.
  ///
  /// - Parameters:
  ///   - a, b, output: as ``MatrixKernels/make(_:a:b:bias:output:)`` takes them.
  /// - Throws: ``OperatorError`` for other types, operands of two types, and factors that an integer can't hold.
  static func make(
    _ context: KernelContext, a: MatrixKernels.Matrix, b: MatrixKernels.Matrix, output: [Int],
    alpha: Float = 1, addend: Addend? = nil
  ) throws(KernelError) -> any Kernel {
    let type = try context.input(0).elementType
    for index in context.inputs.indices.dropFirst() {
      guard let actual = context.optional(index)?.elementType, actual != type else { continue }
      throw .operator(.elementType(input: index, actual: actual, allowed: [type]))
    }
    switch type {
    case .float64: return try kernel(context, a, b, output, alpha, addend, Double.self)
    case .int32: return try kernel(context, a, b, output, alpha, addend, Int32.self)
    case .int64: return try kernel(context, a, b, output, alpha, addend, Int64.self)
    case .uint32: return try kernel(context, a, b, output, alpha, addend, UInt32.self)
    case .uint64: return try kernel(context, a, b, output, alpha, addend, UInt64.self)
    default:
      throw .operator(
        .elementType(
          input: 0, actual: type,
          allowed: [.float32, .float64, .int32, .int64, .uint32, .uint64]))
    }
  }

  private static func kernel<T: MatrixNumber>(
    _ context: KernelContext, _ a: MatrixKernels.Matrix, _ b: MatrixKernels.Matrix,
    _ output: [Int], _ alpha: Float, _ addend: Addend?, _ type: T.Type
  ) throws(KernelError) -> any Kernel {
    guard let scale = T(factor: alpha), let addendScale = T(factor: addend?.factor ?? 0) else {
      throw .operator(
        .unsupported(what: "a factor that isn't whole, for a product of integers"))
    }
    let (rows, columns) = (output[output.count - 2], output[output.count - 1])
    let inner = a.shape[a.shape.count - 1]
    // The leading dimensions, which broadcast.
    let pairs = BroadcastOffsets(
      [(a.shape.dropLast(2), a.strides.dropLast(2)), (b.shape.dropLast(2), b.strides.dropLast(2))],
      output: Array(output.dropLast(2)))
    let (rowA, stepA) = (a.strides[a.strides.count - 2], a.strides[a.strides.count - 1])
    let (rowB, stepB) = (b.strides[b.strides.count - 2], b.strides[b.strides.count - 1])
    let sums = addend.map {
      BroadcastOffsets(
        [($0.shape[...], Shape.strides($0.shape)[...])], output: [rows, columns])
    }
    return ClosureKernel(context) { operands in
      let (x, z) = (operands.input(0, as: T.self), operands.input(1, as: T.self))
      let y = operands.output(as: T.self)
      for batch in 0..<pairs.count {
        let offsets = pairs[batch]
        for row in 0..<rows {
          let target = y + (batch * rows + row) * columns
          target.update(repeating: .zero, count: columns)
          for k in 0..<inner {
            let left = x[offsets[0] + row * rowA + k * stepA]
            let right = z + offsets[1] + k * rowB
            for column in 0..<columns {
              target[column] = T.sum(target[column], T.product(left, right[column * stepB]))
            }
          }
        }
      }
      guard alpha != 1 || sums != nil else { return }
      for position in 0..<rows * columns {
        y[position] = T.product(scale, y[position])
        guard let sums else { continue }
        let term = operands.input(2, as: T.self)[sums[position][0]]
        y[position] = T.sum(y[position], T.product(addendScale, term))
      }
    }
  }
}

/// Where the elements of tensors that broadcast to an output stand, for each of its positions.
struct BroadcastOffsets: Sendable {
  private let output: [Int]
  private let strides: [[Int]]

  /// - Parameters:
  ///   - operands: shapes and distances in memory.
  /// - Precondition: the shapes broadcast to `output`.
  init(_ operands: [(shape: ArraySlice<Int>, strides: ArraySlice<Int>)], output: [Int]) {
    self.output = output
    strides = operands.map { operand in
      let missing = output.count - operand.shape.count
      return output.indices.map { axis in
        guard axis >= missing else { return 0 }
        let own = operand.shape.startIndex + axis - missing
        return operand.shape[own] == 1
          ? 0 : operand.strides[operand.strides.startIndex + axis - missing]
      }
    }
  }

  var count: Int { output.reduce(1, *) }

  /// The offset in each operand at a position of the output.
  subscript(position: Int) -> [Int] {
    var rest = position
    var offsets = [Int](repeating: 0, count: strides.count)
    for axis in output.indices.reversed() {
      let (quotient, remainder) = rest.quotientAndRemainder(dividingBy: output[axis])
      for operand in strides.indices { offsets[operand] += remainder * strides[operand][axis] }
      rest = quotient
    }
    return offsets
  }
}
