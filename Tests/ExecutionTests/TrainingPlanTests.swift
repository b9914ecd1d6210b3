import GraphIR
import Quantizers
import TensorCore
import Testing
import TrainingSupport

@testable import Execution
@testable import Operators

/// Gradients through whole graphs.
@Suite struct TrainingPlanTests {
  static func expectDifferences(_ check: GradientCheck, limit: Int = 48) throws {
    let outcome = try check.compare(limit: limit)
    #expect(outcome.error < 1e-2, "error \(outcome.error)")
    #expect(outcome.checked > 10 && outcome.skipped < outcome.checked)
  }

  @Test func `a value that several nodes read gets the sum of their gradients`() throws {
    var builder = TrainingBuilder()
    let x = builder.parameter([2, 17, 4, 4])
    let a = builder.convolution(x, 17, 17)
    let b = builder.node(Sigmoid(), a)
    let c = builder.node(Mul(), a, b)
    let d = builder.node(Concat(axis: 1), a, c, a)
    let check = try builder.check(builder.node(GlobalAveragePool(), d))
    try Self.expectDifferences(check)
  }

  @Test func `a value added to itself counts twice`() throws {
    var builder = TrainingBuilder()
    let x = builder.parameter([2, 3, 4, 4])
    let check = try builder.check(builder.node(Add(), x, x))
    let gradient = try #require(try check.gradients()[x])
    #expect(gradient == check.upstream.map { 2 * $0 })
  }

  @Test func `a parameter that two nodes share gets the sum of their gradients`() throws {
    var builder = TrainingBuilder()
    let x = builder.parameter([2, 8, 5, 5])
    let weight = builder.parameter([8, 8, 3, 3], -0.3...0.3)
    let same = Conv(window: SlidingWindow(pads: [1, 1, 1, 1]))
    let a = builder.node(Tanh(), builder.node(same, x, weight))
    try Self.expectDifferences(try builder.check(builder.node(same, a, weight)))
  }

  @Test func `a gradient that a view passes on may come in any layout`() throws {
    var builder = TrainingBuilder()
    let x = builder.parameter([2, 16 * 25])
    let shape = builder.graph.addConstant(
      name: "shape", Tensor([2, 16, 5, 5].map(Int64.init), shape: [4]))
    let image = builder.node(Reshape(), x, shape)
    let moved = builder.node(Transpose(permutation: [0, 1, 3, 2]), image)
    try Self.expectDifferences(try builder.check(builder.convolution(moved, 16, 16)))
  }

  @Test func `quantized values of a sequence become floats again`() throws {
    var builder = TrainingBuilder()
    let x = builder.parameter([2, 5, 6])
    let q = builder.quantized(x, ActivationFormat(bits: 8, signed: true), statistic: 0)
    let y = builder.node(MatMul(), q, builder.parameter([6, 4]))
    let check = try builder.check(y)
    let gradients = try check.gradients()
    #expect(gradients.count == 3 && gradients.values.allSatisfy { $0.contains { $0 != 0 } })
  }

  @Test(arguments: [[16, 32], [3, 5, 1], [32, 17], [48]])
  func `images are joined and taken apart in any layout`(_ channels: [Int]) throws {
    for axis in [0, 1, 2, -1] {
      var builder = TrainingBuilder()
      var parts: [ValueID] = []
      for (index, count) in channels.enumerated() {
        let own = axis == 1 ? count : channels[0]
        let x = builder.parameter([2, own, 3, 4])
        parts.append(index % 2 == 0 ? builder.blocked(x, own) : x)
      }
      let joined = builder.graph.addNode(
        Concat(axis: axis), name: "join", inputs: parts, output: "joined")
      let check = try builder.check(joined)
      let gradients = try check.gradients()
      // dL/dx of a copy is R at the place that it was copied to, so that sum(x dx) is L.
      var product = 0.0
      for (value, gradient) in gradients {
        let x = try #require(builder.trained[value]).elements(of: Float.self)
        product += zip(x, gradient).reduce(0) { $0 + Double($1.0) * Double($1.1) }
      }
      let loss = try check.loss()
      #expect(abs(product - loss) < 1e-5 * max(abs(loss), 1))
      try Self.expectDifferences(check, limit: 16)
    }
  }

  @Test func `two runs give the same bytes`() throws {
    var builder = TrainingBuilder()
    let x = builder.parameter([4, 3, 12, 12])
    let a = builder.node(Relu(), builder.convolution(x, 3, 17, hasBias: true))
    let q = builder.quantized(a, ActivationFormat(bits: 6, signed: false), statistic: 0)
    let layout = WeightLayout(
      batch: 1, rows: 1, columns: 10, depth: 153, scaleShape: [10, 1, 1, 1])
    let weight = try builder.quantized(weight: [10, 17, 3, 3], layout)
    let b = builder.node(Conv(), q, weight)
    let pooled = builder.node(
      MaxPool(window: SlidingWindow(kernelShape: [2, 2], strides: [2, 2])), b)
    let check = try builder.check(builder.node(Flatten(), pooled))
    let first = (gradients: try check.gradients(), output: check.output)
    let second = (gradients: try check.gradients(), output: check.output)
    #expect(first.output == second.output && first.gradients == second.gradients)
    #expect(first.gradients.values.allSatisfy { $0.contains { $0 != 0 } })
  }

  @Test(arguments: [false, true])
  func `a residual network has the gradients of finite differences`(_ isFrozen: Bool) throws {
    var builder = TrainingBuilder()
    let x = builder.graph.addInput(name: "x", type: nil)
    let stem = builder.node(
      Relu(), builder.normalization(builder.convolution(x, 3, 17), 17))
    let inner = builder.node(
      Relu(), builder.normalization(builder.convolution(stem, 17, 17), 17))
    let outer = builder.normalization(builder.convolution(inner, 17, 17), 17)
    let sum = builder.node(Relu(), builder.node(Add(), outer, stem))
    let features = builder.node(Flatten(), builder.node(GlobalAveragePool(), sum))
    let logits = builder.node(
      Gemm(transposesB: true), features, builder.parameter([10, 17]), builder.parameter([10]))
    builder.graph.addOutput(logits)
    let check = try GradientCheck(
      builder.graph, trained: builder.trained, updated: builder.updated,
      fed: [x: builder.tensor([4, 3, 8, 8])],
      options: KernelOptions(freezesNormalization: isFrozen))
    let outcome = try check.compare(limit: 12, step: 4e-3)
    // Rectifiers have many kinks within a step.
    #expect(outcome.error < 3e-2, "error \(outcome.error)")
    #expect(try check.errorAlongGradients() < 1e-2)
    #expect(outcome.checked > 80 && outcome.skipped < outcome.checked)
  }

  @Test func `a parameter that the output does not depend on has a gradient of 0`() throws {
    var builder = TrainingBuilder()
    let x = builder.parameter([2, 3])
    let unused = builder.parameter([4])
    let gradients = try builder.check(builder.node(Relu(), x)).gradients()
    #expect(gradients[unused] == [0, 0, 0, 0])
  }

  @Test func `what has no derivative is refused by name`() throws {
    var builder = TrainingBuilder()
    let x = builder.parameter([2, 3])
    let scale = builder.graph.addConstant(name: "s", Tensor(scalar: Float(0.25)))
    let zero = builder.graph.addConstant(name: "z", Tensor(scalar: Float(0)))
    let bits = builder.graph.addConstant(name: "b", Tensor(scalar: Float(4)))
    let y = builder.node(Quant(isSigned: true, isNarrow: false), x, scale, zero, bits)
    let error = #expect(throws: ExecutionError.self) { try builder.check(y) }
    #expect(
      error?.description
        == "node 'Quant' (Quant): training through operator 'Quant' is not supported")
  }

  @Test func `what no gradient passes through runs as in inference`() throws {
    var builder = TrainingBuilder()
    let x = builder.graph.addInput(name: "x", type: nil)
    let scale = builder.graph.addConstant(name: "s", Tensor(scalar: Float(0.25)))
    let zero = builder.graph.addConstant(name: "z", Tensor(scalar: Float(0)))
    let bits = builder.graph.addConstant(name: "b", Tensor(scalar: Float(4)))
    let q = builder.node(Quant(isSigned: true, isNarrow: false), x, scale, zero, bits)
    builder.graph.addOutput(builder.node(MatMul(), q, builder.parameter([3, 4])))
    let check = try GradientCheck(
      builder.graph, trained: builder.trained, fed: [x: builder.tensor([5, 3])])
    try Self.expectDifferences(check)
  }

  @Test func `a trained exponent is refused`() throws {
    var builder = TrainingBuilder()
    let y = builder.node(Pow(), builder.parameter([2], 1...2), builder.parameter([2]))
    #expect(
      throws: ExecutionError.node(name: "Pow", type: "Pow", .needsConstant(input: "Y"))
    ) { try builder.check(y) }
  }
}
