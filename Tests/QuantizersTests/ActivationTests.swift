import TestSupport
import Testing

@testable import Quantizers

extension GoldenCase {
  func format() throws -> ActivationFormat {
    ActivationFormat(bits: try int("N"), signed: try bool("signed"))
  }

  /// An array as the quantizer sees it: behind the ReLU, where there is one.
  func input(_ name: String) throws -> [Float] {
    let relu = try bool("relu_before")
    return try floats(name).map { relu ? max($0, 0) : $0 }
  }
}

/// Activation quantizers against vectors made with Brevitas.
@Suite struct ActivationGoldenTests {
  @Test(arguments: GoldenCase.activations)
  func `scale, integers and values are the stored ones`(golden: GoldenCase) throws {
    let format = try golden.format()
    let steps = try golden.floats("int_threshold")[0]
    #expect(format.steps == steps)
    let qmin = try golden.int("qmin")
    let qmax = try golden.int("qmax")
    #expect(format.minimum == qmin && format.maximum == qmax)
    let parameter = try golden.floats("scale_log2")[0]
    let statistic = try golden.floats("absmax_restricted")[0]
    let scale = try golden.floats("scale")[0]
    // PyTorch's power of two is itself a unit in the last place off in one case.
    #expect(abs(format.scale(log2Statistic: parameter) - scale) <= scale.ulp)
    #expect(statistic / format.steps == scale)

    let x = try golden.input("x")
    var codes = [Int16](repeating: 99, count: x.count)
    var values = [Float](repeating: .nan, count: x.count)
    let quantizer = ActivationQuantizer(format: format, scale: scale)
    codes.withMutableBuffer { codes in
      values.withMutableBuffer { values in
        x.withBuffer { quantizer.forward($0, codes: codes, values: values) }
      }
    }
    let integers = try golden.integers("y_int")
    let expected = try golden.floats("y")
    #expect(codes.map(Int.init) == integers)
    #expect(values == expected)
  }

  @Test(arguments: GoldenCase.activations)
  func `gradients are the stored ones`(golden: GoldenCase) throws {
    let format = try golden.format()
    let (gradient, parameter) = quantizerGradient(
      try golden.input("x"), upstream: try golden.floats("upstream"),
      scale: try golden.floats("scale")[0], range: format.minimum...format.maximum)
    let expected = try golden.floats("grad_x")
    let raw = try golden.floats("x")
    let relu = try golden.bool("relu_before")
    for index in expected.indices {
      let actual = relu && raw[index] <= 0 ? 0 : gradient[index]
      // Brevitas multiplies by the scale and divides by it again.
      #expect(abs(actual - expected[index]) <= 2 * expected[index].ulp)
    }
    let expectedParameter = try golden.floats("grad_scale_log2")[0]
    #expect(abs(parameter - expectedParameter) <= 1e-5 * abs(expectedParameter))
  }
}

@Suite struct ActivationRangeTests {
  @Test func `a histogram's percentile is within a bin of the exact one`() throws {
    var generator = SplitMix(seed: 3)
    var histogram = ActivationHistogram()
    var all: [Float] = []
    for batch in 0..<7 {
      // Ranges grow from batch to batch, so that the bins have to widen.
      let x = (0..<2000).map { _ in generator.normal() * Float(1 << batch) }
      try x.withBuffer { try histogram.observe($0) }
      all += x
    }
    let exact = all.map(\.magnitude).sorted()[Int(0.999 * Double(all.count) + 0.5) - 1]
    let bin = histogram.largest.binade * 2 / Float(ActivationHistogram.side)
    #expect(abs(try histogram.percentile(0.999) - exact) <= bin)
    #expect(histogram.count == all.count)
    #expect(histogram.largest == all.map(\.magnitude).max())
  }

  @Test func `a histogram counts long batches as it counts short ones`() throws {
    var generator = SplitMix(seed: 8)
    // The greatest first, so that the bins are the same from the start; half of the rest is 0, as after a ReLU.
    let x = [100] + (0..<100_002).map { _ in max(generator.normal(), 0) - 0.25 }
    var (long, short) = (ActivationHistogram(), ActivationHistogram())
    try x.withBuffer { try long.observe($0) }
    for start in stride(from: 0, to: x.count, by: 1000) {
      try Array(x[start..<min(start + 1000, x.count)]).withBuffer { try short.observe($0) }
    }
    #expect(long == short)
  }

  @Test(arguments: [(2, false), (4, false), (4, true), (8, true)])
  func `no scale has much less squared error than the searched one`(bits: Int, signed: Bool) throws
  {
    var generator = SplitMix(seed: 5)
    let x = (0..<4000).map { _ in
      let value = generator.normal() * (generator.uniform() < 0.01 ? 8 : 1)
      return signed ? value : value.magnitude
    }
    let format = ActivationFormat(bits: bits, signed: signed)
    func error(_ statistic: Float) -> Double {
      let quantizer = ActivationQuantizer(
        format: format, scale: format.scale(statistic: statistic))
      var y = x
      y.withMutableBuffer { y in x.withBuffer { quantizer.forward($0, values: y) } }
      return zip(x, y).reduce(0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }
    }
    var histogram = ActivationHistogram()
    try x.withBuffer { try histogram.observe($0) }
    let found = error(try histogram.leastErrorStatistic(for: format))
    let largest = try #require(x.map(\.magnitude).max())
    let best = (1...100).map { error(largest * Float($0) / 100) }.min() ?? 0
    #expect(found <= best * 1.01)
    #expect(found < error(largest) || bits == 8)
  }

  @Test func `values of 0 alone have the range 0 and the least scale`() throws {
    var histogram = ActivationHistogram()
    try [Float](repeating: 0, count: 10).withBuffer { try histogram.observe($0) }
    let format = ActivationFormat(bits: 4, signed: false)
    #expect(try histogram.percentile() == 0)
    #expect(try histogram.leastErrorStatistic(for: format) == 0)
    #expect(format.scale(statistic: 0) == 1e-10)
  }

  @Test(arguments: [Float.nan, .infinity, -.infinity])
  func `activations that are not finite are refused with their index`(value: Float) {
    var x = [Float](repeating: 1, count: 100)
    x[42] = value
    var histogram = ActivationHistogram()
    #expect(throws: QuantizerError.nonFiniteActivation(index: 42)) {
      try x.withBuffer { try histogram.observe($0) }
    }
  }

  @Test func `a range of nothing is refused`() {
    #expect(throws: QuantizerError.noActivations) { try ActivationHistogram().percentile() }
  }

  @Test func `extreme magnitudes stay inside the bins`() throws {
    var histogram = ActivationHistogram()
    for value in [Float.leastNonzeroMagnitude, 1, .greatestFiniteMagnitude] {
      try [value, -value].withBuffer { try histogram.observe($0) }
      #expect(try histogram.percentile() <= value)
    }
  }

  @Test func `NaN stays NaN in values and is qmin among the integers`() {
    let quantizer = ActivationQuantizer(format: .init(bits: 4, signed: true), scale: 0.5)
    var values: [Float] = [.nan, .infinity, -.infinity, 0.25, 0.75]
    var codes = [Int16](repeating: 0, count: 5)
    codes.withMutableBuffer { codes in
      values.withMutableBuffer { values in
        quantizer.forward(UnsafeBufferPointer(values), codes: codes, values: values)
      }
    }
    #expect(values[0].isNaN)
    #expect(values.dropFirst() == [3.5, -4, 0, 1])
    #expect(codes == [-8, 7, -8, 0, 2])
  }
}
