import Execution
import GraphIR
import TensorCore

/// A matrix product of integers by plain loops: exact for any zero points.
struct IntegerMatrixLoops: Sendable {
  /// `[..., M, K]`, `[..., K, N]` and `[..., M, N]`.
  let a: [Int]
  let b: [Int]
  let output: [Int]
  private let pairs: BroadcastOffsets

  /// - Parameters:
  ///   - left, right: shapes as the file has them.
  init(left: [Int], right: [Int]) {
    let stacks = MatMul.stacks(left, right)
    (a, b, output) = (stacks.a, stacks.b, stacks.y)
    pairs = BroadcastOffsets(
      [
        (stacks.a.dropLast(2), Shape.strides(stacks.a).dropLast(2)),
        (stacks.b.dropLast(2), Shape.strides(stacks.b).dropLast(2)),
      ], output: Array(stacks.y.dropLast(2)))
  }

  var rows: Int { output[output.count - 2] }
  var columns: Int { output[output.count - 1] }
  var inner: Int { a[a.count - 1] }
  var aCount: Int { a.reduce(1, *) }
  var bCount: Int { b.reduce(1, *) }
  var count: Int { output.reduce(1, *) }

  /// Checks that zero points or scales are one number, or one for each row of the left operand, or for each
  /// column of the right one.
  ///
  /// - Throws: ``OperatorError/mismatch(what:expected:actual:)`` for other numbers.
  func check(left: KernelInput?, right: KernelInput?) throws(KernelError) {
    for (what, parameter, allowed) in [
      ("parameters of A", left, aCount / max(inner, 1)), ("parameters of B", right, columns),
    ] {
      guard let count = parameter?.type.count, count != 1 else { continue }
      guard count > 0, allowed % count == 0, what.hasSuffix("A") || count == allowed else {
        throw .operator(
          .mismatch(what: "number of \(what)", expected: "1 or \(allowed)", actual: "\(count)"))
      }
    }
  }

  /// - Parameters:
  ///   - a, b: integers without their zero points.
  func run(
    _ a: UnsafePointer<Int16>, _ b: UnsafePointer<Int16>, to sums: UnsafeMutablePointer<Int32>
  ) {
    Parallelism.forEachRange(count: pairs.count * rows, sharing: a, b, sums) { range, a, b, sums in
      for index in range {
        let (batch, row) = index.quotientAndRemainder(dividingBy: rows)
        let offsets = pairs[batch]
        let target = sums + index * columns
        target.update(repeating: 0, count: columns)
        for k in 0..<inner {
          let left = Int32(a[offsets[0] + row * inner + k])
          let right = b + offsets[1] + k * columns
          for column in 0..<columns {
            target[column] = target[column] &+ left &* Int32(right[column])
          }
        }
      }
    }
  }
}
