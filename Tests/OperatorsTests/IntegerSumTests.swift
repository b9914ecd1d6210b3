import Execution
import GraphIR
import TensorCore
import TestSupport
import Testing

@testable import Operators

/// Operators on 8-bit integers against sums that are added here, one by one.
@Suite struct IntegerSumTests {
  /// Integers of one magnitude, or any, with their bytes.
  private static func integers(
    _ count: Int, largest: Bool, isSigned: Bool, _ generator: inout SplitMix
  ) -> [Int] {
    (0..<count).map { _ in
      let bits = Int(generator.next() >> 32)
      if largest { return isSigned ? (bits & 1 == 0 ? -128 : 127) : 255 }
      return isSigned ? bits & 255 - 128 : bits & 255
    }
  }

  private static func tensor(_ values: [Int], _ shape: [Int], isSigned: Bool) -> Tensor {
    isSigned
      ? Tensor(values.map { Int8($0) }, shape: shape)
      : Tensor(values.map { UInt8($0) }, shape: shape)
  }

  /// Channels enough that sums of the largest weights stay below 2^24, reach it, and exceed it.
  @Test(arguments: [3, 40, 57, 58, 80], [1, 2])
  func `convolutions of integers are exact, whatever their sums reach`(channels: Int, stride: Int)
    throws
  {
    var generator = SplitMix(seed: UInt64(channels * 10 + stride))
    for largest in [false, true] {
      for (isSigned, zero) in [(false, 0), (false, 200), (true, -128)] {
        let size = 5
        let x = Self.integers(
          2 * channels * size * size, largest: largest, isSigned: isSigned, &generator)
        let w = Self.integers(4 * channels * 9, largest: largest, isSigned: true, &generator)
        let layer = Conv(window: SlidingWindow(strides: [stride, stride], pads: [1, 1, 1, 1]))
        let result = try ConstantEvaluator.evaluate(
          ConvInteger(layer: layer),
          inputs: [
            Self.tensor(x, [2, channels, size, size], isSigned: isSigned),
            Self.tensor(w, [4, channels, 3, 3], isSigned: true),
            Self.tensor([zero], [], isSigned: isSigned),
          ])
        let places = (size - 1) / stride + 1
        var expected: [Int32] = []
        for (sample, output, row, column) in Self.indices(2, 4, places, places) {
          var sum = 0
          for (channel, a, b) in Self.indices(channels, 3, 3).map({ ($0.0, $0.1, $0.2) }) {
            let (i, j) = (row * stride + a - 1, column * stride + b - 1)
            guard (0..<size).contains(i), (0..<size).contains(j) else { continue }
            let value = x[((sample * channels + channel) * size + i) * size + j] - zero
            sum += value * w[((output * channels + channel) * 3 + a) * 3 + b]
          }
          expected.append(Int32(sum))
        }
        #expect(try #require(result.first).elements(of: Int32.self) == expected)
      }
    }
  }

  @Test(arguments: [7, 513, 517, 700])
  func `matrix products of integers are exact, whatever their sums reach`(inner: Int) throws {
    var generator = SplitMix(seed: UInt64(inner))
    for largest in [false, true] {
      let a = Self.integers(3 * inner, largest: largest, isSigned: false, &generator)
      let b = Self.integers(inner * 2, largest: largest, isSigned: true, &generator)
      let result = try ConstantEvaluator.evaluate(
        MatMulInteger(),
        inputs: [
          Self.tensor(a, [3, inner], isSigned: false), Self.tensor(b, [inner, 2], isSigned: true),
        ])
      let expected = Self.indices(3, 2).map { row, column, _, _ in
        Int32((0..<inner).reduce(0) { $0 + a[row * inner + $1] * b[$1 * 2 + column] })
      }
      #expect(try #require(result.first).elements(of: Int32.self) == expected)
    }
  }

  /// All indices of up to four axes, the last one fastest.
  private static func indices(_ sizes: Int...) -> [(Int, Int, Int, Int)] {
    let sizes = sizes + [Int](repeating: 1, count: 4 - sizes.count)
    return (0..<sizes.reduce(1, *)).map { index in
      let d = index % sizes[3]
      let c = index / sizes[3] % sizes[2]
      let b = index / sizes[3] / sizes[2] % sizes[1]
      return (index / sizes[3] / sizes[2] / sizes[1], b, c, d)
    }
  }
}
