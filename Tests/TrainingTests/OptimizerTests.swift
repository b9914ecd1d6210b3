import TensorCore
import Testing

@testable import Training

/// Three steps on five parameters, of which the third and the fifth don't decay.
private enum Example {
  static let start: [Float] = [0.5, -1.25, 2, 0, -3e-3]
  static let gradients: [[Float]] = [
    [0.1, -0.2, 0.3, 1, -4e-5], [-0.05, 0.4, 0.3, -1, 2e-5], [0.2, 0, -0.6, 0.5, 1e-5],
  ]
  static let rates = [0.1, 0.1, 0.05]
  static let segments = [
    ParameterSegment(name: "a", range: 0..<2, decays: true),
    ParameterSegment(name: "b", range: 2..<3, decays: false),
    ParameterSegment(name: "c", range: 3..<4, decays: true),
    ParameterSegment(name: "d", range: 4..<5, decays: false),
  ]

  static func run(_ optimizer: Optimizer) -> [Float] {
    var parameters = start
    for (gradient, rate) in zip(gradients, rates) {
      optimizer.step(&parameters, gradient, rate: rate)
    }
    return parameters
  }
}

@Suite struct OptimizerTests {
  @Test func `names are those of the option`() {
    #expect(OptimizerKind.allCases.map(\.rawValue) == ["sgd", "adam", "adamw"])
  }

  // Vectors: the formulas of the documentation of torch.optim in numpy, double precision. SGD:
  //   for g, l in zip(grads, rates): g = g + wd*decays*w; b = g if b is None else mu*b + g; w = w - l*b
  @Test func `momentum and decay are those of torch SGD`() throws {
    var settings = OptimizerSettings(.sgd)
    settings.weightDecay = 0.01
    let optimizer = try Optimizer(settings, segments: Example.segments)
    let parameters = Example.run(optimizer)
    let expected = [0.472095445, -1.25661286, 1.91735, -0.11031005, -0.00299418]
    let momentum = [0.249301105, 0.164332287, -0.087, 0.408201, -4.4e-06]
    #expect(largestRelativeError(parameters, expected) < 1e-6)
    #expect(optimizer.state.map(\.name) == ["optimizer.momentum"])
    #expect(largestRelativeError(Array(optimizer.state[0].values), momentum) < 1e-6)
  }

  // Adam:
  //   g = g + wd*decays*w; m = b1*m + (1-b1)*g; v = b2*v + (1-b2)*g*g
  //   w = w - l*(m/(1-b1**t)) / (sqrt(v/(1-b2**t)) + eps)
  @Test func `moments and decay are those of torch Adam`() throws {
    var settings = OptimizerSettings(.adam)
    settings.weightDecay = 0.01
    let optimizer = try Optimizer(settings, segments: Example.segments)
    let parameters = Example.run(optimizer)
    let expected = [0.33469578, -1.1951054, 1.80378247, -0.103381755, 0.126668572]
    let first = [0.0247335035, 0.0165693492, -0.0087, 0.0408153131, -4.4e-07]
    let second = [5.46044385e-05, 0.000195987285, 0.00053973009, 0.00224805403, 2.0964016e-12]
    #expect(largestRelativeError(parameters, expected) < 1e-6)
    #expect(optimizer.state.map(\.name) == ["optimizer.first", "optimizer.second"])
    #expect(largestRelativeError(Array(optimizer.state[0].values), first) < 1e-6)
    #expect(largestRelativeError(Array(optimizer.state[1].values), second) < 1e-6)
  }

  // AdamW: w = w*(1 - l*wd*decays) first, then as Adam with the plain gradient.
  @Test func `decay is decoupled as in torch AdamW`() throws {
    var settings = OptimizerSettings(.adamw)
    settings.weightDecay = 0.1
    let optimizer = try Optimizer(settings, segments: Example.segments)
    let parameters = Example.run(optimizer)
    let expected = [0.32968865, -1.17107163, 1.80378247, -0.102004434, 0.126668572]
    #expect(largestRelativeError(parameters, expected) < 1e-6)
    let first = [0.0236, 0.0198, -0.0087, 0.041, -4.4e-07]
    #expect(largestRelativeError(Array(optimizer.state[0].values), first) < 1e-6)
  }

  @Test(arguments: OptimizerKind.allCases)
  func `a segment that doesn't decay is moved as without decay`(kind: OptimizerKind) throws {
    var settings = OptimizerSettings(kind)
    let plain = Example.run(try Optimizer(settings, segments: Example.segments))
    settings.weightDecay = 0.3
    let decayed = Example.run(try Optimizer(settings, segments: Example.segments))
    for segment in Example.segments {
      let same = plain[segment.range] == decayed[segment.range]
      #expect(same == !segment.decays, "\(segment.name)")
    }
  }

  @Test(arguments: OptimizerKind.allCases)
  func `the number of threads doesn't change a bit`(kind: OptimizerKind) throws {
    let count = 100_003
    let segments = [
      ParameterSegment(name: "a", range: 0..<7, decays: false),
      ParameterSegment(name: "b", range: 7..<66_667, decays: true),
      ParameterSegment(name: "c", range: 66_667..<count, decays: false),
    ]
    let start = randomFloats(count, in: -1...1, seed: 1)
    let gradients = randomFloats(count, in: -1...1, seed: 2)
    var settings = OptimizerSettings(kind)
    settings.weightDecay = 0.01
    let (one, three) = try withOneAndThreeThreads {
      let optimizer = try Optimizer(settings, segments: segments)
      var parameters = start
      for _ in 0..<3 { optimizer.step(&parameters, gradients, rate: 0.01) }
      return [parameters] + optimizer.state.map { Array($0.values) }
    }
    #expect(one == three)
    #expect(one[0] != start)
  }

  @Test(arguments: OptimizerKind.allCases)
  func `restored state goes on as if never interrupted`(kind: OptimizerKind) throws {
    let whole = Example.run(try Optimizer(OptimizerSettings(kind), segments: Example.segments))
    let before = try Optimizer(OptimizerSettings(kind), segments: Example.segments)
    var parameters = Example.start
    before.step(&parameters, Example.gradients[0], rate: Example.rates[0])
    let after = try Optimizer(OptimizerSettings(kind), segments: Example.segments)
    for (to, from) in zip(after.state, before.state) { _ = to.values.update(from: from.values) }
    after.stepCount = before.stepCount
    for index in 1...2 {
      after.step(&parameters, Example.gradients[index], rate: Example.rates[index])
    }
    #expect(parameters == whole)
  }

  @Test func `settings outside their range are refused by name`() {
    var settings = OptimizerSettings(.sgd)
    settings.momentum = 1
    #expect(
      throws: OptimizerError.setting(.momentum, expected: .fromZeroBelowOne, actual: 1)
    ) { try settings.validate() }
    settings = OptimizerSettings(.adam)
    // Rounds to 1 in single precision.
    settings.secondBeta = 1 - 1e-12
    #expect(throws: OptimizerError.self) { try settings.validate() }
    settings = OptimizerSettings(.adamw)
    settings.weightDecay = -.infinity
    #expect(throws: OptimizerError.self) { try settings.validate() }
    let error = OptimizerError.setting(.weightDecay, expected: .notNegative, actual: -1)
    #expect("\(error)" == "the weight decay is -1.0; give 0 or a positive number")
  }
}
