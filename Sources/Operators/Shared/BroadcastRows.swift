import TensorCore

/// The innermost loops of an element-wise function of two row-major tensors that broadcast.
struct BroadcastRows: Sendable {
  /// Elements of one row of the output.
  let length: Int
  /// Distance in each operand between the elements of a row: 0 or 1.
  let stepA: Int
  let stepB: Int
  private let outer: [Int]
  private let stridesA: [Int]
  private let stridesB: [Int]

  /// - Precondition: `output` is the broadcast of both shapes.
  init(_ a: [Int], _ b: [Int], output: [Int]) {
    func strides(_ shape: [Int]) -> [Int] {
      let own = Shape.strides(shape)
      let missing = output.count - shape.count
      return output.indices.map { axis in
        axis < missing || shape[axis - missing] == 1 ? 0 : own[axis - missing]
      }
    }
    let (fullA, fullB) = (strides(a), strides(b))
    // Dimensions of size 1 don't matter, and two that both operands walk as one are joined.
    var dimensions: [(size: Int, a: Int, b: Int)] = []
    for axis in output.indices where output[axis] != 1 {
      let next = (size: output[axis], a: fullA[axis], b: fullB[axis])
      if let last = dimensions.last, last.a == next.a * next.size, last.b == next.b * next.size {
        dimensions[dimensions.count - 1] = (last.size * next.size, next.a, next.b)
      } else {
        dimensions.append(next)
      }
    }
    let row = dimensions.popLast() ?? (1, 1, 1)
    length = row.size
    stepA = row.a
    stepB = row.b
    outer = dimensions.map(\.size)
    stridesA = dimensions.map(\.a)
    stridesB = dimensions.map(\.b)
  }

  var count: Int { outer.reduce(1, *) }

  /// Calls `body` with the offsets of both operands at the beginning of each row.
  func forEach(_ rows: Range<Int>, _ body: (_ row: Int, _ a: Int, _ b: Int) -> Void) {
    for row in rows {
      var rest = row
      var (a, b) = (0, 0)
      for axis in outer.indices.reversed() {
        let (quotient, remainder) = rest.quotientAndRemainder(dividingBy: outer[axis])
        a += remainder * stridesA[axis]
        b += remainder * stridesB[axis]
        rest = quotient
      }
      body(row, a, b)
    }
  }
}
