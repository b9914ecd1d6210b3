import AccumulatorBounds
import GraphIR
import TensorCore
import TestSupport
import Testing

@testable import Verification

/// How findings add up to a verdict.
@Suite struct VerdictTests {
  /// Layers of one weight each on unsigned four-bit inputs, named a, b, …
  static func builder(_ weights: [Float]) -> GraphBuilder {
    var builder = GraphBuilder()
    let x = builder.quant(builder.input(), bits: 4, signed: false)
    for (index, weight) in weights.enumerated() {
      let w = builder.quant(
        builder.constant([weight], [1, 1], name: "w\(index)"), bits: 8, signed: true)
      builder.output(builder.node("MatMul", [x, w], name: ["a", "b", "c"][index]))
    }
    return builder
  }

  @Test func `one layer that doesn't fit prevents a certificate and refutes the model`() throws {
    for weights in [[1, 100], [100, 1], [1, 100, 1]] as [[Float]] {
      let result = try Self.builder(weights).verify(8)
      #expect(!result.isCertified)
      #expect(result.isRefuted)
      #expect(result.layers.count { $0.isCertified } == weights.count - 1)
    }
    let result = try Self.builder([1, 2]).verify(8)
    #expect(result.isCertified && !result.isRefuted)
  }

  @Test func `the caller's width goes before the file's, and the metadata's before FINN's`() throws
  {
    var builder = Self.builder([1])
    let entry = AccumulatorAnnotation(
      layer: "a", output: "a_out", weight: "w0", targetBits: 7, requiredBits: 5, inputBits: 4,
      inputSigned: false, method: "exact")
    builder.metadata = [
      KeyValue(AccumulatorAnnotation.metadataKey, AccumulatorAnnotation.encode([entry]))
    ]
    #expect(try builder.verify().layers[0].targetBits == 7)
    #expect(try builder.verify(9).layers[0].targetBits == 9)
    builder.metadata = []
    #expect(try builder.verify().layers[0].findings == [.noTarget])
    let output = builder.graph.outputs[0]
    builder.graph[output].annotations = [KeyValue("finn_datatype", "INT6")]
    #expect(try builder.verify().layers[0].targetBits == 6)
    builder.graph[output].annotations = [KeyValue("finn_datatype", "UINT6")]
    #expect(try builder.verify().layers[0].targetBits == nil)
  }

  @Test func `the first of the channels that reach farthest is the one shown`() throws {
    var builder = GraphBuilder()
    let x = builder.quant(builder.input(), bits: 4, signed: false)
    let w = builder.quant(
      builder.constant([2, 7, 7, 3], [1, 4], name: "w"), bits: 4, signed: true)
    builder.output(builder.node("MatMul", [x, w]))
    let verdict = try builder.verify(6).layers[0]
    #expect(verdict.findings == [.overflow(channels: 3, targetBits: 6, requiredBits: 8)])
    #expect(verdict.counterexample?.channel == 1)
    #expect(verdict.requiredBits == 8)
  }

  @Test(arguments: [
    ("a:B", "a", "B"), ("B", "", "B"), ("ai.onnx:B", "", "B"), (":B", "", "B"),
    ("a:b:C", "a:b", "C"),
  ])
  func `an operator is named by its domain and its type`(
    _ text: String, _ domain: String, _ type: String
  ) throws {
    let name = try #require(OperatorName(text))
    #expect(name == OperatorName(domain: domain, type: type))
    #expect(OperatorName("\(name)") == name)
    #expect(OperatorName("a:") == nil && OperatorName("") == nil)
  }

  @Test func `an assumption is about one operator of one domain`() throws {
    var builder = Self.builder([1])
    builder.output(builder.node("Mystery", [builder.input("m")], domain: "some.where"))
    for (domain, type, holds) in [
      ("some.where", "Mystery", true), ("", "Mystery", false), ("some.where", "Other", false),
    ] {
      let result = try Verifier.verify(
        builder.model,
        VerificationConditions(
          accumulatorBits: 8, assumptions: [OperatorName(domain: domain, type: type)]))
      #expect(result.isCertified == holds)
      #expect(result.assumptions.isEmpty == !holds)
    }
  }

  @Test func `a statement of a type or shape that the operators disprove is refused`() throws {
    for (type, holds) in [
      (TensorType(.float32, [.symbolic("N"), 1]), true),
      (TensorType(.float32, [.unknown, .unknown]), true),
      (TensorType(.float32, nil), true), (TensorType(.float32, [5, 2]), false),
      (TensorType(.float32, [5]), false), (TensorType(.float16, [5, 1]), false),
      (TensorType(.float32, [5, 1, 1]), false),
    ] {
      var builder = GraphBuilder()
      let x = builder.quant(
        builder.input("x", TensorType(.float32, [.symbolic("N"), 2])), bits: 4, signed: false)
      let w = builder.quant(builder.constant([1, 1], [2, 1]), bits: 4, signed: true)
      builder.output(builder.node("MatMul", [x, w], type: type))
      let result = try builder.verify(8)
      #expect(result.isCertified == holds, "\(type)")
      #expect(result.isRefuted == !holds, "\(type)")
    }
  }

  @Test func `one entry that names two layers is ambiguous`() throws {
    var builder = Self.builder([1, 1])
    let entry = AccumulatorAnnotation(
      layer: "a", output: "b_out", weight: "w0", targetBits: 8, requiredBits: 5, inputBits: 4,
      inputSigned: false, method: "exact")
    builder.metadata = [
      KeyValue(AccumulatorAnnotation.metadataKey, AccumulatorAnnotation.encode([entry]))
    ]
    let result = try builder.verify(8)
    #expect(!result.isCertified)
    #expect(result.findings == [.ambiguousAnnotation(layer: "a", output: "b_out")])
  }

  @Test(arguments: [(1, 5, 6, true), (1, 4, 6, false), (1, 5, 5, false), (2, 6, 6, true)])
  func `tiles of a product of two run-time operands hold what the operands' types allow`(
    size: Int, bits: Int, outerBits: Int, holds: Bool
  ) throws {
    var builder = GraphBuilder()
    let sides = ["x", "z"].map { name in
      builder.quant(
        builder.input(name, TensorType(.float32, shape: [2, 2])), bits: 2, signed: false)
    }
    builder.output(builder.node("MatMul", sides, name: "layer"))
    let entry = AccumulatorAnnotation(
      layer: "layer", output: "layer_out", weight: "", targetBits: bits,
      requiredBits: size == 1 ? 5 : 6, inputBits: 2, inputSigned: false, method: "exact",
      tiling: .init(size: size, outerBits: outerBits))
    builder.metadata = [
      KeyValue(AccumulatorAnnotation.metadataKey, AccumulatorAnnotation.encode([entry]))
    ]
    // Two products of at most 9.
    let result = try builder.verify()
    #expect(result.isCertified == holds && result.isRefuted == !holds)
  }
}
