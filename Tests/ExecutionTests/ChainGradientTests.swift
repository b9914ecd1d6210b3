import GraphIR
import Quantizers
import TensorCore
import TestSupport
import Testing
import TrainingSupport

@testable import Execution
@testable import Operators

/// The fused chain of element-wise steps, and the layouts that it takes.
@Suite struct ChainGradientTests {
  static func expectDifferences(_ check: GradientCheck) throws {
    let outcome = try check.compare()
    #expect(outcome.error < 1e-2, "error \(outcome.error)")
    #expect(outcome.checked > 50 && outcome.skipped < outcome.checked / 4)
  }

  @Test(arguments: [3, 16, 17, 32], [false, true])
  func `a normalisation has the gradients of its statistics`(_ channels: Int, _ isFrozen: Bool)
    throws
  {
    for isBlocked in [false, true] {
      var builder = TrainingBuilder()
      let x = builder.parameter([3, channels, 4, 5], -1...2)
      let placed = isBlocked ? builder.blocked(x, channels) : x
      let chain = PointwiseChain(
        [.rectifier, .values], normalization: .init(epsilon: 1e-3, momentum: 0.9))
      let y = builder.node(
        chain, placed, builder.parameter([channels], 0.5...1.5), builder.parameter([channels]),
        builder.statistic([channels], -0.5...0.5), builder.statistic([channels], 0.5...2))
      try Self.expectDifferences(
        try builder.check(y, KernelOptions(freezesNormalization: isFrozen)))
    }
  }

  @Test func `running statistics move toward those of the batch unless they are frozen`() throws {
    for isFrozen in [false, true] {
      var builder = TrainingBuilder()
      let data = builder.tensor([4, 3, 2, 2])
      let x = builder.parameter(data)
      let (mean, variance) = (
        builder.statistic([3], -0.5...0.5), builder.statistic([3], 0.5...2)
      )
      let y = builder.node(
        BatchNormalization(momentum: 0.75), x, builder.parameter([3]), builder.parameter([3]),
        mean, variance)
      let (oldMean, oldVariance) = (builder.updated[mean], builder.updated[variance])
      let check = try builder.check(y, KernelOptions(freezesNormalization: isFrozen))
      _ = try check.loss()
      let elements = data.elements(of: Float.self)
      for channel in 0..<3 {
        let own = (0..<16).map { Double(elements[$0 / 4 * 12 + channel * 4 + $0 % 4]) }
        let average = own.reduce(0, +) / 16
        let spread = own.reduce(0) { $0 + ($1 - average) * ($1 - average) } / 15
        func expected(_ old: Tensor?, _ new: Double) throws -> Float {
          let old = try #require(old).elements(of: Float.self)[channel]
          return isFrozen ? old : 0.75 * old + 0.25 * Float(new)
        }
        let found = try (
          #require(check.parameters[mean]).values[channel],
          #require(check.parameters[variance]).values[channel]
        )
        #expect(abs(found.0 - (try expected(oldMean, average))) < 1e-5)
        #expect(abs(found.1 - (try expected(oldVariance, spread))) < 1e-5)
      }
    }
  }

  @Test(arguments: [5, 17, 32])
  func `a sum that is rectified passes its gradient to both summands`(_ channels: Int) throws {
    for blockedInputs in 0..<4 {
      var builder = TrainingBuilder()
      var inputs: [ValueID] = []
      for index in 0..<2 {
        let x = builder.parameter([2, channels, 3, 3])
        inputs.append(blockedInputs >> index & 1 == 1 ? builder.blocked(x, channels) : x)
      }
      let y = builder.node(
        PointwiseChain([.sum, .rectifier, .values]), inputs[0],
        inputs[1])
      try Self.expectDifferences(try builder.check(y))
    }
  }

  @Test(arguments: [5, 32], [false, true])
  func `a residual is added after the normalisation of the other summand`(
    _ channels: Int, _ isFrozen: Bool
  ) throws {
    var builder = TrainingBuilder()
    let x = builder.blocked(builder.parameter([3, channels, 3, 4], -1...2), channels)
    let second = builder.parameter([3, channels, 3, 4])
    let chain = PointwiseChain(
      [.sum, .rectifier, .values], normalization: .init(epsilon: 1e-3, momentum: 0.9))
    let y = builder.node(
      chain, x, second, builder.parameter([channels], 0.5...1.5), builder.parameter([channels]),
      builder.statistic([channels], -0.5...0.5), builder.statistic([channels], 0.5...2))
    try Self.expectDifferences(
      try builder.check(y, KernelOptions(freezesNormalization: isFrozen)))
  }

  struct QuantizerCase: Sendable, CustomTestStringConvertible {
    var format: ActivationFormat
    var rectifies: Bool
    var channels: Int
    var isBlocked: Bool
    var testDescription: String {
      "\(format.signed ? "signed" : "unsigned") \(format.bits) bits, \(channels) channels"
        + (rectifies ? ", ReLU" : "") + (isBlocked ? ", blocked" : "")
    }
  }

  static let quantizerCases: [QuantizerCase] = [2, 4, 8].flatMap { bits in
    [3, 17, 32].flatMap { channels in
      [false, true].flatMap { isBlocked in
        [false, true].flatMap { signed in
          [false, true].map { rectifies in
            QuantizerCase(
              format: ActivationFormat(bits: bits, signed: signed), rectifies: rectifies,
              channels: channels, isBlocked: isBlocked)
          }
        }
      }
    }
  }

  @Test(arguments: quantizerCases)
  func `a quantizer in a chain is the quantizer on plain buffers`(_ quantizerCase: QuantizerCase)
    throws
  {
    let (format, channels) = (quantizerCase.format, quantizerCase.channels)
    var builder = TrainingBuilder()
    let data = builder.tensor([2, channels, 5, 7], -2...2)
    let x = builder.parameter(data)
    let placed = quantizerCase.isBlocked ? builder.blocked(x, channels) : x
    let statistic: Float = 0.3
    let p = builder.parameter(Tensor([statistic], shape: [1]))
    let y = builder.node(
      PointwiseChain(
        quantizerCase.rectifies ? .rectifier : [], quantizers: [ChainQuantizer(format)]),
      placed, p)
    let check = try builder.check(y)
    let gradients = try check.gradients()

    var input = data.elements(of: Float.self)
    if quantizerCase.rectifies { input = input.map { max($0, 0) } }
    let upstream = check.upstream
    let quantizer = ActivationQuantizer(
      format: format, scale: format.scale(log2Statistic: statistic))
    var values = [Float](repeating: 0, count: input.count)
    input.withUnsafeBufferPointer { input in
      values.withUnsafeMutableBufferPointer { quantizer.forward(input, values: $0) }
    }
    var (gradient, parameterGradient) = quantizerGradient(
      input, upstream: upstream, scale: quantizer.scale, range: format.minimum...format.maximum)
    if quantizerCase.rectifies {
      for (index, value) in data.elements(of: Float.self).enumerated() where value <= 0 {
        gradient[index] = 0
      }
    }
    #expect(Set(values).count > 1)
    expectClose(check.output, values, 1e-5)
    expectClose(try #require(gradients[x]), gradient, 1e-5)
    expectClose(try #require(gradients[p]), [parameterGradient], 1e-5)
  }

  @Test(arguments: [4, 17])
  func `a chain that yields floats and two quantized values adds up all gradients`(
    _ channels: Int
  ) throws {
    var builder = TrainingBuilder()
    let data = builder.tensor([2, channels, 3, 4], -2...2)
    let x = builder.parameter(data)
    let formats = [
      ActivationFormat(bits: 4, signed: false), ActivationFormat(bits: 3, signed: true),
    ]
    let statistics: [Float] = [0.5, -0.25]
    let parameters = statistics.map { builder.parameter(Tensor([$0], shape: [1])) }
    let outputs = ["r", "q", "t"].map { builder.graph.addValue(name: $0) }
    builder.graph.addNode(
      PointwiseChain([.rectifier, .values], quantizers: formats.map { ChainQuantizer($0) }),
      name: "chain", inputs: [x] + parameters, outputs: outputs)
    let sum = builder.node(Add(), builder.node(Add(), outputs[0], outputs[1]), outputs[2])
    let check = try builder.check(sum)
    let gradients = try check.gradients()
    let rectified = data.elements(of: Float.self).map { max($0, 0) }
    let upstream = check.upstream
    var expected = rectified
    var gradient = upstream
    for (index, format) in formats.enumerated() {
      let quantizer = ActivationQuantizer(
        format: format, scale: format.scale(log2Statistic: statistics[index]))
      var values = rectified
      rectified.withUnsafeBufferPointer { input in
        values.withUnsafeMutableBufferPointer { quantizer.forward(input, values: $0) }
      }
      let (part, p) = quantizerGradient(
        rectified, upstream: upstream, scale: quantizer.scale,
        range: format.minimum...format.maximum)
      expectClose(gradients[parameters[index]] ?? [], [p], 1e-5)
      expected = zip(expected, values).map(+)
      gradient = zip(gradient, part).map(+)
    }
    gradient = zip(gradient, rectified).map { $1 > 0 ? $0 : 0 }
    expectClose(check.output, expected, 1e-5)
    expectClose(try #require(gradients[x]), gradient, 1e-5)
  }
}
