import DNNEngine
import Execution

/// The gradient of a strided copy: zeros, but for the elements that were copied.
struct StridedScatter: Sendable {
  private let shape: [Int]
  private let strides: [Int]
  private let offset: Int
  /// Elements of the source of the copy.
  private let count: Int

  /// - Parameters:
  ///   - shape: of the copy.
  ///   - strides: distances in its source of neighbours along each axis; may be negative.
  ///   - offset: the source's element that came first.
  init(shape: [Int], strides: [Int], offset: Int, count: Int) {
    self.shape = shape
    self.strides = strides
    self.offset = offset
    self.count = count
  }

  /// Row-major.
  func backward(_ label: String) -> Backward {
    Backward(
      label, operands: [.gradient(0, .rowMajor)],
      results: [Backward.Result(input: 0, layout: .rowMajor)]
    ) { operands in run(operands.input(0), into: operands.output(0)) }
  }

  private func run(_ gradient: UnsafePointer<Float>, into target: UnsafeMutablePointer<Float>) {
    target.update(repeating: 0, count: count)
    let length = shape.last ?? 1
    let outer = shape.dropLast()
    let step = strides.last ?? 1
    for row in 0..<(length == 0 ? 0 : outer.reduce(1, *)) {
      var rest = row
      var start = offset
      for axis in outer.indices.reversed() {
        let (quotient, remainder) = rest.quotientAndRemainder(dividingBy: shape[axis])
        start += remainder * strides[axis]
        rest = quotient
      }
      for i in 0..<length { target[start + i * step] = gradient[row * length + i] }
    }
  }
}
