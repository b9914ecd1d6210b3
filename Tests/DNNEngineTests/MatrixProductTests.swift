import TensorCore
import TestSupport
import Testing

@testable import DNNEngine

/// Products of stacks of matrices against their definition, with several numbers of threads.
@Suite struct MatrixProductTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var left: [Int]
    var right: [Int]
    var output: [Int]
    var bias: [Int]?
    var transposesRight = false
    var testDescription: String { "\(left) by \(right)\(transposesRight ? ", transposed" : "")" }
  }

  static let cases = [
    Case(left: [1, 3], right: [3, 1], output: [1, 1]),
    Case(left: [32, 512], right: [512, 10], output: [32, 10], bias: [1, 10]),
    Case(left: [1, 1024], right: [1024, 1100], output: [1, 1100], bias: [1, 1]),
    Case(left: [300, 70], right: [70, 290], output: [300, 290], bias: [300, 1]),
    Case(left: [300, 70], right: [290, 70], output: [300, 290], transposesRight: true),
    Case(left: [6, 5, 7], right: [6, 7, 9], output: [6, 5, 9]),
    Case(left: [2, 3, 5, 7], right: [1, 3, 7, 9], output: [2, 3, 5, 9], bias: [1, 1, 1, 9]),
    Case(left: [1, 5, 7], right: [40, 7, 9], output: [40, 5, 9]),
    Case(left: [3, 130, 140], right: [3, 140, 150], output: [3, 130, 150]),
    Case(left: [0, 7], right: [7, 9], output: [0, 9]),
  ]

  private static func values(_ shape: [Int], seed: UInt64) -> [Float] {
    var random = SplitMix(seed: seed)
    return (0..<shape.reduce(1, *)).map { _ in Float.random(in: -1...1, using: &random) }
  }

  @Test(arguments: cases)
  func `a product is that of the definition, with the same bits for any number of threads`(
    _ product: Case
  ) throws {
    let left = Self.values(product.left, seed: 1)
    let right = Self.values(product.right, seed: 2)
    let bias = product.bias.map { Self.values($0, seed: 3) }
    var operand = MatrixProduct.Operand(rowMajor: product.right)
    if product.transposesRight {
      operand.shape.swapAt(0, 1)
      operand.strides.swapAt(0, 1)
    }
    func run() throws -> [Float] {
      let compiled = try MatrixProduct(
        Engine.shared(), .init(rowMajor: product.left), operand, bias: product.bias,
        output: product.output)
      var result = [Float](repeating: .nan, count: product.output.reduce(1, *))
      try result.withUnsafeMutableBytes { result in
        try left.withUnsafeBytes { left in
          try right.withUnsafeBytes { right in
            try (bias ?? [0]).withUnsafeBytes { bias in
              try compiled.run(
                left: left.baseAddress, right: right.baseAddress,
                bias: product.bias == nil ? nil : bias.baseAddress, into: result.baseAddress)
            }
          }
        }
      }
      return result
    }
    let alone = try Parallelism.$threadCountOfTask.withValue(1, operation: run)
    for threads in [2, 3, 7] {
      let several = try Parallelism.$threadCountOfTask.withValue(threads, operation: run)
      #expect(several == alone, "\(threads) threads")
    }

    let (rank, output) = (product.output.count, product.output)
    let strides = Shape.strides(output)
    for index in stride(from: 0, to: alone.count, by: max(1, alone.count / 200)) {
      let place = output.indices.map { index / strides[$0] % output[$0] }
      func offset(_ operand: MatrixProduct.Operand, _ place: [Int]) -> Int {
        place.indices.reduce(0) {
          $0 + (operand.shape[$1] == 1 ? 0 : place[$1] * operand.strides[$1])
        }
      }
      var expected = 0.0
      if let bias, let shape = product.bias {
        expected = Double(bias[offset(.init(rowMajor: shape), place)])
      }
      for k in 0..<product.left[rank - 1] {
        var (a, b) = (place, place)
        (a[rank - 1], b[rank - 2]) = (k, k)
        expected +=
          Double(left[offset(.init(rowMajor: product.left), a)]) * Double(right[offset(operand, b)])
      }
      #expect(abs(Double(alone[index]) - expected) < 1e-4)
    }
  }
}
