import AccumulatorBounds
import GraphIR
import OnnxFormat
import TensorCore
import TestSupport
import Testing

@testable import Verification

/// Models that were certified once because of what their files say beside the graph.
@Suite struct SoundnessFileTests {
  private static func read(_ model: ModelBytes) throws -> Model {
    try OnnxReader.read(bytes: model.bytes, resolver: OpaqueResolver())
  }

  /// A statement of a value's element type and dimensions.
  private static func valueInfo(_ name: String, type: Int, dims: [Int]) -> WireMessage {
    WireMessage { info in
      info.string(1, name)
      info.message(2) {
        $0.message(1) { tensor in
          tensor.int(1, type)
          tensor.message(2) { shape in for size in dims { shape.message(1) { $0.int(1, size) } } }
        }
      }
    }
  }

  private static func scale(_ name: String) -> WireMessage {
    ModelBytes.tensor(name, dims: [], floats: [1])
  }

  private static func int8(_ name: String, _ dims: [Int]) -> WireMessage {
    ModelBytes.tensor(name, dims: dims, type: 3) {
      $0.bytes(9, [UInt8](repeating: 1, count: dims.reduce(1, *)))
    }
  }

  /// Refused, be it by the reader, or by the verifier at every width.
  private static func expectRefused(_ model: ModelBytes) {
    guard let read = try? read(model) else { return }
    for bits in 1...64 {
      #expect((try? Verifier.verify(read, accumulatorBits: bits))?.isCertified != true, "\(bits)")
    }
  }

  @Test func `a float input that value_info states to be of four bits stays real`() {
    var model = ModelBytes()
    model.initializers = [Self.int8("w", [2, 1]), Self.scale("s")]
    model.nodes = [
      ModelBytes.node("DequantizeLinear", ["w", "s"], ["wd"]),
      ModelBytes.node("MatMul", ["x", "wd"], ["y"]),
    ]
    model.graphExtra = WireMessage { graph in
      graph.message(13, Self.valueInfo("x", type: 22, dims: [1, 2]))
    }
    Self.expectRefused(model)
  }

  @Test func `a sparse weight that value_info states to be of four bits has no integers`() {
    var model = ModelBytes()
    model.initializers = [Self.scale("s")]
    model.nodes = [
      ModelBytes.node("QuantizeLinear", ["x", "s"], ["q"]),
      ModelBytes.node("DequantizeLinear", ["q", "s"], ["d"]),
      ModelBytes.node("MatMul", ["d", "w"], ["y"]),
    ]
    model.graphExtra = WireMessage { graph in
      graph.message(15) { tensor in
        tensor.message(1, ModelBytes.tensor("w", dims: [1], floats: [1_000_000]))
        tensor.message(2, ModelBytes.tensor("", dims: [1], type: 7) { $0.bytes(7, [1]) })
        tensor.int(3, 2)
        tensor.int(3, 1)
      }
      graph.message(13, Self.valueInfo("w", type: 22, dims: [2, 1]))
    }
    Self.expectRefused(model)
  }

  @Test(arguments: ["qonnx.custom_op.general", "", "com.microsoft", "local"])
  func `a function of the model is what it holds, in whatever domain it is`(_ domain: String) {
    for name in ["Block", "Relu", "Quant"] {
      var model = ModelBytes()
      if !domain.isEmpty { model.opsets.append((domain, 1)) }
      model.initializers = [Self.int8("w", [2, 2]), Self.scale("s")]
      model.nodes = [
        ModelBytes.node("QuantizeLinear", ["x", "s"], ["q"]),
        ModelBytes.node("MatMulInteger", ["q", "w"], ["t"]),
        ModelBytes.node(
          "Cast", ["t"], ["f"],
          attributes: [
            WireMessage {
              $0.string(1, "to")
              $0.int(3, 1)
              $0.int(20, 2)
            }
          ]),
        WireMessage { node in
          node.raw(ModelBytes.node(name, ["f"], ["y"]).bytes)
          node.string(7, domain)
        },
      ]
      model.modelExtra = WireMessage { extra in
        extra.message(25) { function in
          function.string(1, name)
          function.string(4, "v")
          function.string(5, "r")
          function.message(7, ModelBytes.node("MatMul", ["v", "v"], ["r"]))
          function.message(9) { $0.int(2, 13) }
          function.string(10, domain)
        }
      }
      Self.expectRefused(model)
    }
  }

  @Test func `a constant that the file also lists as an input is one for the weights in the file`()
    throws
  {
    var model = ModelBytes(inputs: ["x", "w"])
    model.initializers = [Self.int8("c", [2, 2]), Self.scale("s"), Self.scale("w")]
    model.nodes = [
      ModelBytes.node("QuantizeLinear", ["x", "w"], ["q"]),
      ModelBytes.node("DequantizeLinear", ["q", "w"], ["d"]),
      ModelBytes.node("DequantizeLinear", ["c", "s"], ["e"]),
      ModelBytes.node("MatMul", ["d", "e"], ["y"]),
    ]
    let read = try Self.read(model)
    let result = try Verifier.verify(read, accumulatorBits: 10)
    #expect(result.isCertified)
    #expect(result.replaceableConstants == ["w"])
    #expect(
      try !Verifier.verify(
        read, VerificationConditions(accumulatorBits: 10, isStrict: true)
      ).isCertified)
  }

  @Test(arguments: [("evil", "BigDot"), ("com.microsoft", "GemmFastGelu"), ("", "STFT")])
  func `an operator that may add products unseen is a finding`(_ domain: String, _ type: String)
    throws
  {
    var builder = GraphBuilder()
    let x = builder.quant(builder.input(), bits: 4, signed: true)
    let w = builder.quant(
      builder.constant([Float](repeating: 1, count: 16), [4, 4]), bits: 8, signed: true)
    let big = builder.constant([Float](repeating: 1000, count: 4), [4, 1])
    builder.output(builder.node(type, [builder.node("MatMul", [x, w]), big], domain: domain))
    try SoundnessTests.expect(builder, fits: nil)
  }

  @Test func `a custom operator with the beginning of a known name has no type`() throws {
    var builder = GraphBuilder()
    let scale = builder.constant([1], [])
    let a = builder.node(
      "QLinearFoo", [builder.input()], domain: "evil", type: TensorType(.uint4, shape: [1, 8]))
    let w = builder.node(
      "DequantizeLinear", [builder.constant(of: [Int8](repeating: 1, count: 8), [8, 1]), scale])
    builder.output(builder.node("MatMul", [a, w]))
    try SoundnessTests.expect(builder, fits: nil)
  }

  @Test func `two entries for one layer are refused`() throws {
    var builder = GraphBuilder()
    let x = builder.quant(builder.input(), bits: 4, signed: true)
    let w = builder.quant(
      builder.constant([100, 100, 100, 100], [4, 1], name: "w"), bits: 8, signed: true)
    builder.output(builder.node("MatMul", [x, w], name: "layer"))
    var entry = AccumulatorAnnotation(
      layer: "layer", output: "layer_out", weight: "w", targetBits: 32, requiredBits: 13,
      inputBits: 4, inputSigned: true, method: "a2q")
    let first = entry
    entry.targetBits = 8
    builder.metadata = [
      KeyValue(AccumulatorAnnotation.metadataKey, AccumulatorAnnotation.encode([first]))
    ]
    #expect(try builder.verify().isCertified)
    builder.metadata = [
      KeyValue(AccumulatorAnnotation.metadataKey, AccumulatorAnnotation.encode([first, entry]))
    ]
    let result = try builder.verify()
    #expect(!result.isCertified)
    #expect(result.findings.contains(.malformedAnnotations(.repeatedLayer("layer"))))
  }

  @Test func `two keys of the metadata, or two that differ, are refused`() throws {
    let texts = [4, 5].map { bits in
      var entry = AnnotationTests.entry()
      entry.targetBits = 8 + bits
      return AccumulatorAnnotation.encode([entry])
    }
    func result(_ model: [String], _ graph: [String]) throws -> VerificationResult {
      var builder = AnnotationTests.builder()
      builder.metadata = model.map { KeyValue(AccumulatorAnnotation.metadataKey, $0) }
      builder.graph.metadata = graph.map { KeyValue(AccumulatorAnnotation.metadataKey, $0) }
      return try builder.verify()
    }
    #expect(try result([texts[0]], [texts[0]]).isCertified)
    #expect(
      try result([texts[0], texts[0]], []).findings.contains(.malformedAnnotations(.repeatedKey)))
    #expect(
      try result([], [texts[0], texts[0]]).findings.contains(.malformedAnnotations(.repeatedKey)))
    #expect(
      try result([texts[0]], [texts[1]]).findings.contains(.malformedAnnotations(.twoStatements)))
  }

  @Test func `a key that an annotation of the file repeats is refused`() throws {
    func model(_ entries: [(String, String)]) -> ModelBytes {
      var model = ModelBytes()
      model.initializers = [Self.int8("c", [2, 2]), Self.scale("s")]
      model.nodes = [
        ModelBytes.node("QuantizeLinear", ["x", "s"], ["q"]),
        ModelBytes.node("DequantizeLinear", ["q", "s"], ["d"]),
        ModelBytes.node("DequantizeLinear", ["c", "s"], ["e"]),
        ModelBytes.node("MatMul", ["d", "e"], ["y"]),
      ]
      model.graphExtra = WireMessage { graph in
        graph.message(14) { annotation in
          annotation.string(1, "y")
          for (key, value) in entries {
            annotation.message(2) {
              $0.string(1, key)
              $0.string(2, value)
            }
          }
        }
      }
      return model
    }
    #expect(try Verifier.verify(Self.read(model([("finn_datatype", "INT10")]))).isCertified)
    Self.expectRefused(model([("finn_datatype", "INT32"), ("finn_datatype", "INT10")]))
  }
}
