import GraphIR
import TensorCore
import TestSupport
import Testing

@testable import Verification

/// What the analysis must not overlook: layers that it can't reduce to integer sums.
@Suite struct CoverageTests {
  /// A certified layer beside one more node.
  static func verify(
    functions: [[UInt8]] = [], _ body: (inout GraphBuilder, ValueID) -> ValueID
  ) throws -> VerificationResult {
    var builder = GraphBuilder()
    let input = builder.input()
    let x = builder.quant(input, bits: 4, signed: false)
    let w = builder.quant(builder.constant([1, -3], [2, 1]), bits: 3, signed: true)
    builder.output(builder.node("MatMul", [x, w]))
    builder.output(body(&builder, input))
    var model = builder.model
    model.preserved.functions = functions
    return try Verifier.verify(model, accumulatorBits: 16)
  }

  @Test func `the layer alone is certified`() throws {
    #expect(try Self.verify { builder, x in builder.node("Relu", [x]) }.isCertified)
  }

  @Test(arguments: [
    ("", "LSTM"), ("", "Einsum"), ("com.microsoft", "FusedConv"), ("com.microsoft", "MatMulNBits"),
    ("finn.custom_op.fpgadataflow", "MVAU"),
  ])
  func `an operator that adds products unseen prevents a certificate`(
    _ domain: String, _ type: String
  ) throws {
    let result = try Self.verify { builder, x in builder.node(type, [x], domain: domain) }
    #expect(!result.isCertified)
    #expect(
      result.layers.last?.findings == [
        .obstacle(.unanalysedOperator(domain: domain, type: type))
      ])
  }

  @Test func `a subgraph prevents a certificate`() throws {
    let result = try Self.verify { builder, x in
      builder.node("If", [x], [Attribute("then_branch", .serialized([1, 2, 3]))])
    }
    #expect(result.layers.last?.findings == [.obstacle(.hiddenNodes(type: "If"))])
  }

  @Test func `functions of the model that are left prevent a certificate`() throws {
    let result = try Self.verify(functions: [[0]]) { builder, x in builder.node("Relu", [x]) }
    #expect(!result.isCertified)
    #expect(result.findings == [.functionsLeft(count: 1)])
  }

  @Test(arguments: [
    ("ai.onnx.ml", "LinearRegressor"), ("", "STFT"), ("com.microsoft", "GemmFastGelu"),
    ("some.where", "Relu"), ("", "QLinearRelu"),
  ])
  func
    `an operator that the verifier doesn't know prevents a certificate, unless the caller vouches for it`(
      _ domain: String, _ type: String
    ) throws
  {
    var builder = GraphBuilder()
    let x = builder.quant(builder.input(), bits: 4, signed: false)
    let w = builder.quant(builder.constant([1, -3], [2, 1]), bits: 3, signed: true)
    builder.output(builder.node(type, [builder.node("MatMul", [x, w])], domain: domain))
    let name = OperatorName(domain: domain, type: type)
    #expect(try !Verifier.verify(builder.model, accumulatorBits: 16).isCertified)
    let assumed = try Verifier.verify(
      builder.model,
      VerificationConditions(
        accumulatorBits: 16, assumptions: [name, OperatorName(domain: "", type: "Tan")]))
    #expect(assumed.isCertified)
    #expect(assumed.assumptions == [name])
  }

  @Test func `a dot product is a layer whatever is assumed`() throws {
    let result = try Self.verify { builder, x in
      builder.node("MatMul", [x, builder.constant([1], [1, 1])], [Attribute("strange", .int(1))])
    }
    #expect(!result.isCertified)
    var builder = VerdictTests.builder([1])
    builder.output(
      builder.node(
        "MatMul", [builder.input("y"), builder.constant([1], [1, 1])],
        [Attribute("strange", .int(1))]))
    let assumed = try Verifier.verify(
      builder.model,
      VerificationConditions(
        accumulatorBits: 16, assumptions: [OperatorName(domain: "", type: "MatMul")]))
    #expect(assumed.layers.map(\.isCertified) == [true, false])
    #expect(!assumed.isCertified)
  }

  @Test func `a constant that a caller can replace is named, and refused by a strict verdict`()
    throws
  {
    var builder = GraphBuilder()
    let x = builder.quant(builder.input(), bits: 4, signed: false)
    let weight = builder.constant([1, -3], [2, 1], name: "w")
    builder.graph[weight].isListedInput = true
    builder.output(builder.node("MatMul", [x, builder.quant(weight, bits: 3, signed: true)]))
    let result = try builder.verify(16)
    #expect(result.isCertified)
    #expect(result.replaceableConstants == ["w"])
    let strict = try Verifier.verify(
      builder.model, VerificationConditions(accumulatorBits: 16, isStrict: true))
    #expect(!strict.isCertified)
    #expect(strict.findings == [.replaceableConstants(names: ["w"])])
  }

  @Test func `an unquantized layer prevents a certificate and names its input's producer`() throws {
    let result = try Self.verify { builder, x in
      let relu = builder.node("Relu", [x], name: "act")
      let w = builder.quant(builder.constant([1, -3], [2, 1]), bits: 3, signed: true)
      return builder.node("MatMul", [relu, w], name: "float")
    }
    #expect(
      result.layers.last?.findings == [
        .obstacle(.unquantizedInput(value: "x", origin: .graphInput))
      ])
  }

  @Test func `a float weight prevents a certificate, and its length is still stated`() throws {
    let result = try Self.verify { builder, x in
      let quantized = builder.quant(x, bits: 4, signed: true)
      return builder.node("MatMul", [quantized, builder.constant([1, 2], [2, 1], name: "w")])
    }
    #expect(result.layers.last?.findings == [.obstacle(.unquantizedWeight(value: "w"))])
    #expect(result.layers.last?.layer.dotLength == 2)
    #expect(result.layers.last?.layer.input?.bits == 4)
  }

  @Test func `a model without layers is not certified`() throws {
    var builder = GraphBuilder()
    builder.output(builder.node("Relu", [builder.input()]))
    let result = try builder.verify(32)
    #expect(!result.isCertified)
    #expect(result.findings == [.noLayers])
  }

  @Test func `a product of two constants is no layer`() throws {
    let result = try Self.verify { builder, _ in
      builder.node("MatMul", [builder.constant([1], [1, 1]), builder.constant([1], [1, 1])])
    }
    #expect(result.layers.count == 1)
    #expect(result.isCertified)
  }

  @Test func `a cycle is an error with the nodes' names`() {
    var builder = GraphBuilder()
    let first = builder.node("Relu", [builder.input()], name: "a")
    let second = builder.node("Relu", [first], name: "b")
    if let a = builder.graph.node(named: "a") { builder.graph.setInput(a, 0, to: second) }
    #expect(throws: GraphError.cycle(nodes: ["a", "b"])) { try builder.verify() }
  }
}
