import GraphIR
import TensorCore

@testable import Verification

/// Builds small graphs of undecoded operators, as the verifier reads them from a file.
struct GraphBuilder {
  var graph = Graph(name: "test")
  var metadata: [KeyValue] = []

  mutating func input(_ name: String = "x", _ type: TensorType? = nil) -> ValueID {
    graph.addInput(name: name, type: type)
  }

  mutating func constant(_ values: [Float], _ shape: [Int], name: String = "c") -> ValueID {
    graph.addConstant(name: name, Tensor(values, shape: shape))
  }

  mutating func constant<T: TensorElement>(of values: [T], _ shape: [Int], name: String = "c")
    -> ValueID
  {
    graph.addConstant(name: name, Tensor(values, shape: shape))
  }

  mutating func node(
    _ type: String, _ inputs: [ValueID?], _ attributes: [Attribute] = [], domain: String = "",
    type output: TensorType? = nil, name: String? = nil
  ) -> ValueID {
    graph.addNode(
      OpaqueOperator(domain: domain, type: type, attributes: attributes), name: name ?? type,
      inputs: inputs, output: "\(name ?? type)_out", type: output)
  }

  mutating func quant(
    _ value: ValueID, scale: Float = 1, bits: Float, signed: Bool, narrow: Bool = false,
    zeroPoint: Float = 0, mode: String = "ROUND", domain: String = "qonnx.custom_op.general"
  ) -> ValueID {
    quant(
      value, scales: [scale], [], bits: bits, signed: signed, narrow: narrow,
      zeroPoint: zeroPoint, mode: mode, domain: domain)
  }

  mutating func quant(
    _ value: ValueID, scales: [Float], _ shape: [Int], bits: Float, signed: Bool,
    narrow: Bool = false, zeroPoint: Float = 0, mode: String = "ROUND",
    domain: String = "qonnx.custom_op.general"
  ) -> ValueID {
    node(
      "Quant",
      [value, constant(scales, shape), constant([zeroPoint], []), constant([bits], [])],
      [
        Attribute("signed", .int(signed ? 1 : 0)), Attribute("narrow", .int(narrow ? 1 : 0)),
        Attribute("rounding_mode", .string(mode)),
      ], domain: domain)
  }

  mutating func output(_ value: ValueID) { graph.addOutput(value) }

  var model: Model {
    var model = Model(graph: graph, irVersion: 9, opsets: [OpsetImport(domain: "", version: 17)])
    model.metadata = metadata
    return model
  }

  func verify(_ bits: Int? = nil) throws -> VerificationResult {
    try Verifier.verify(model, accumulatorBits: bits)
  }

  /// The only layer of the graph.
  func layer() throws -> LayerAnalysis {
    let layers = try verify().layers
    precondition(layers.count == 1, "\(layers.count) layers")
    return layers[0].layer
  }
}

extension LayerAnalysis {
  /// All integers, channel by channel.
  var integers: [[Int64]] {
    guard let reader else { return [] }
    return reader.channels.indices.map { reader.integers(ofChannel: $0) }
  }
}
