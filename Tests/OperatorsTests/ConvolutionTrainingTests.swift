import GraphIR
import Quantizers
import TensorCore
import Testing
import TrainingSupport

@testable import Execution
@testable import Operators

/// Ways to compute a convolution in training that must give the same.
@Suite struct ConvolutionTrainingTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var inputs = 16
    var outputs = 16
    var kernel = 3
    var stride = 1
    var group = 1
    var signed = false
    var hasBias = true
    var testDescription: String {
      "\(inputs) to \(outputs), kernel \(kernel), stride \(stride), group \(group)"
        + (signed ? ", signed" : "") + (hasBias ? ", bias" : "")
    }

    /// The operator, with padding that keeps sizes at stride 1.
    var operation: Conv {
      let pad = kernel / 2
      return Conv(
        window: SlidingWindow(strides: [stride, stride], pads: [pad, pad, pad, pad]), group: group)
    }
  }

  static let cases: [Case] = [
    Case(), Case(signed: true), Case(hasBias: false), Case(kernel: 1), Case(kernel: 5, stride: 2),
    Case(stride: 2), Case(stride: 3, signed: true), Case(kernel: 1, stride: 2),
    Case(inputs: 1, outputs: 10), Case(inputs: 3, outputs: 17), Case(inputs: 10, outputs: 3),
    Case(inputs: 17, outputs: 1), Case(inputs: 3, outputs: 17, signed: true, hasBias: false),
    Case(inputs: 32, outputs: 32, group: 2), Case(inputs: 12, outputs: 6, group: 3, signed: true),
    Case(inputs: 16, outputs: 16, group: 16), Case(inputs: 17, outputs: 17, group: 17),
    Case(inputs: 10, outputs: 10, stride: 2, group: 10, signed: true),
    Case(inputs: 64, outputs: 48, kernel: 1, hasBias: false),
  ]

  static func check(_ convolution: Case, usesIntegers: Bool) throws -> GradientCheck {
    var builder = TrainingBuilder()
    let x = builder.parameter([2, convolution.inputs, 9, 8], -2...2)
    let q = builder.quantized(
      x, ActivationFormat(bits: 8, signed: convolution.signed), statistic: 0.5)
    let shape = [
      convolution.outputs, convolution.inputs / convolution.group, convolution.kernel,
      convolution.kernel,
    ]
    let layout = WeightLayout(
      batch: 1, rows: 1, columns: shape[0], depth: shape[1...].reduce(1, *),
      scaleShape: [shape[0], 1, 1, 1])
    let weight = try builder.quantized(weight: shape, layout)
    let bias = convolution.hasBias ? builder.parameter([convolution.outputs]) : nil
    let y = builder.node(convolution.operation, q, weight, bias)
    return try builder.check(y, KernelOptions(usesIntegers: usesIntegers))
  }

  static func multipliesIntegers(_ check: GradientCheck) -> Bool {
    check.plan.profile.contains { $0.label == "convolution of integers" }
  }

  /// Whether this machine has the instructions.
  static let machineMultipliesIntegers =
    (try? multipliesIntegers(check(Case(), usesIntegers: true))) ?? false

  @Test(arguments: cases)
  func `products of integers are those of floats`(_ convolution: Case) throws {
    let integers = try Self.check(convolution, usesIntegers: true)
    let floats = try Self.check(convolution, usesIntegers: false)
    #expect(!Self.multipliesIntegers(floats))
    // oneDNN has no such code for groups and single channels.
    if convolution.group == 1, min(convolution.inputs, convolution.outputs) > 1 {
      #expect(Self.multipliesIntegers(integers) == Self.machineMultipliesIntegers)
    }
    let (actual, expected) = (try integers.gradients(), try floats.gradients())
    expectClose(integers.output, floats.output, 2e-6)
    #expect(floats.output.contains { $0 != 0 })
    for (value, gradient) in expected {
      expectClose(try #require(actual[value]), gradient, 1e-5)
    }
  }

  @Test(arguments: [(16, 16), (16, 32), (64, 48), (17, 33)])
  func `gradients on transformed tiles are those of direct products`(_ channels: (Int, Int)) throws
  {
    func gradients(usesWinograd: Bool) throws -> [ValueID: [Float]] {
      var builder = TrainingBuilder()
      let x = builder.parameter([3, channels.0, 13, 12])
      let y = builder.convolution(x, channels.0, channels.1, hasBias: true)
      return try builder.check(y, KernelOptions(usesWinograd: usesWinograd)).gradients()
    }
    let tiles = try gradients(usesWinograd: true)
    for (value, direct) in try gradients(usesWinograd: false) {
      #expect(direct.contains { $0 != 0 })
      expectClose(try #require(tiles[value]), direct, 1e-3)
    }
  }

  @Test(arguments: [
    Case(outputs: 32), Case(inputs: 3, outputs: 17), Case(kernel: 1, hasBias: false),
    Case(inputs: 17, outputs: 17, group: 17), Case(inputs: 10, outputs: 3, stride: 2),
  ])
  func `gradients of weights summed by parts of the batch are the same for any number of threads`(
    _ convolution: Case
  ) throws {
    func gradients(_ options: KernelOptions) throws -> [ValueID: [Float]] {
      var builder = TrainingBuilder()
      let x = builder.parameter([37, convolution.inputs, 9, 8])
      let shape = [convolution.outputs, convolution.inputs / convolution.group]
      let weight = builder.parameter(shape + [convolution.kernel, convolution.kernel])
      let bias = convolution.hasBias ? builder.parameter([convolution.outputs]) : nil
      let y = builder.node(convolution.operation, x, weight, bias)
      return try builder.check(y, options).gradients()
    }
    func reproducible(_ threads: Int) throws -> [ValueID: [Float]] {
      try Parallelism.$threadCountOfTask.withValue(threads) {
        try gradients(KernelOptions(isReproducible: true))
      }
    }
    let alone = try reproducible(1)
    for threads in [2, 3, 7] { #expect(try reproducible(threads) == alone, "\(threads) threads") }
    for (value, expected) in try gradients(KernelOptions(usesWinograd: false)) {
      #expect(expected.contains { $0 != 0 })
      expectClose(try #require(alone[value]), expected, 1e-5)
    }
  }

  struct WeightCase: Sendable, CustomTestStringConvertible {
    var name: String
    var shape: [Int]
    var layout: WeightLayout
    var testDescription: String { name }
  }

  static let weightCases: [WeightCase] = [
    WeightCase(
      name: "Conv", shape: [5, 3, 3, 3],
      layout: WeightLayout(batch: 1, rows: 1, columns: 5, depth: 27, scaleShape: [5, 1, 1, 1])),
    WeightCase(
      name: "Gemm, transposed", shape: [6, 10],
      layout: WeightLayout(batch: 1, rows: 1, columns: 6, depth: 10, scaleShape: [6, 1])),
    WeightCase(
      name: "Gemm", shape: [10, 6],
      layout: WeightLayout(batch: 1, rows: 10, columns: 6, depth: 1, scaleShape: [1, 6])),
    WeightCase(
      name: "ConvTranspose", shape: [4, 5, 2, 3],
      layout: WeightLayout(batch: 1, rows: 4, columns: 5, depth: 6, scaleShape: [1, 5, 1, 1])),
    WeightCase(
      name: "ConvTranspose of two groups", shape: [4, 5, 2, 3],
      layout: WeightLayout(
        batch: 2, rows: 2, columns: 5, depth: 6, scaleShape: [4, 5, 1, 1],
        repeatsScalePerRow: true)),
  ]

  @Test(arguments: weightCases, WeightQuantizers.all.map { $0.methodName })
  func `a weight on its grid has its quantizer's values and gradients`(
    _ weightCase: WeightCase, _ method: String
  ) throws {
    let layout = weightCase.layout
    let quantizer = try #require(WeightQuantizers.named(method)).init(
      try TrainingBuilder.layer(layout, bits: 4))
    var builder = TrainingBuilder()
    let weight = builder.tensor(weightCase.shape)
    let rows = layout.gather(weight)
    let (parameters, start) = try quantizer.initialized(rows, .projection)
    let v = builder.parameter(layout.scatter(start, shape: weightCase.shape))
    let d = builder.parameter(
      Tensor(parameters.log2Scale, shape: [parameters.log2Scale.count]))
    let t =
      quantizer.usesNorm
      ? builder.parameter(Tensor(parameters.log2Norm, shape: [parameters.log2Norm.count])) : nil
    let op = FakeQuantizedWeight(quantizer, layout: layout)
    let y = t.map { builder.node(op, v, d, $0) } ?? builder.node(op, v, d)
    let check = try builder.check(y)
    let gradients = try check.gradients()

    let expected = try quantizer.quantize(start, parameters)
    let values = expected.codes.enumerated().map {
      Float($1) * expected.scales[$0 / layout.dotLength]
    }
    #expect(Set(expected.codes).count > 1)
    expectClose(
      check.output, layout.scatter(values, shape: weightCase.shape).elements(of: Float.self), 1e-6)
    let upstream = check.upstream
    let upstreamRows = layout.gather(Tensor(upstream, shape: weightCase.shape))
    var own = (
      weights: [Float](repeating: 0, count: values.count), scale: parameters.log2Scale,
      norm: parameters.log2Norm
    )
    start.withUnsafeBufferPointer { start in
      upstreamRows.withUnsafeBufferPointer { upstream in
        own.weights.withUnsafeMutableBufferPointer { weights in
          own.scale.withUnsafeMutableBufferPointer { scale in
            own.norm.withUnsafeMutableBufferPointer { norm in
              parameters.withView {
                quantizer.backward(
                  start, $0, upstream: upstream,
                  into: GradientBuffers(weights: weights, log2Scale: scale, log2Norm: norm))
              }
            }
          }
        }
      }
    }
    let scattered = layout.scatter(own.weights, shape: weightCase.shape)
    expectClose(try #require(gradients[v]), scattered.elements(of: Float.self), 1e-6)
    expectClose(try #require(gradients[d]), own.scale, 1e-6)
    if let t { expectClose(try #require(gradients[t]), own.norm, 1e-6) }
  }
}
