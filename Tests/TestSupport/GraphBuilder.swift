import GraphIR
import TensorCore

/// Builds small graphs of undecoded operators, as a file that is read without a catalogue gives them.
package struct GraphBuilder {
  package init() {}

  package var graph = Graph(name: "test")
  package var metadata: [KeyValue] = []

  package mutating func input(_ name: String = "x", _ type: TensorType? = nil) -> ValueID {
    graph.addInput(name: name, type: type)
  }

  package mutating func constant(_ values: [Float], _ shape: [Int], name: String = "c") -> ValueID {
    graph.addConstant(name: name, Tensor(values, shape: shape))
  }

  package mutating func constant<T: TensorElement>(
    of values: [T], _ shape: [Int], name: String = "c"
  )
    -> ValueID
  {
    graph.addConstant(name: name, Tensor(values, shape: shape))
  }

  /// A node with one output, called after the node.
  package mutating func node(
    _ type: String, _ inputs: [ValueID?], _ attributes: [Attribute] = [], domain: String = "",
    type output: TensorType? = nil, name: String? = nil
  ) -> ValueID {
    graph.addNode(
      OpaqueOperator(domain: domain, type: type, attributes: attributes), name: name ?? type,
      inputs: inputs, output: "\(name ?? type)_out", type: output)
  }

  /// A QONNX `Quant` with one scale.
  package mutating func quant(
    _ value: ValueID, scale: Float = 1, bits: Float, signed: Bool, narrow: Bool = false,
    zeroPoint: Float = 0, mode: String = "ROUND", domain: String = "qonnx.custom_op.general"
  ) -> ValueID {
    quant(
      value, scales: [scale], [], bits: bits, signed: signed, narrow: narrow,
      zeroPoint: zeroPoint, mode: mode, domain: domain)
  }

  /// A QONNX `Quant` with scales of any shape.
  package mutating func quant(
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

  package mutating func output(_ value: ValueID) { graph.addOutput(value) }

  /// The graph as a model of opset 17.
  package var model: Model {
    var model = Model(graph: graph, irVersion: 9, opsets: [OpsetImport(domain: "", version: 17)])
    model.metadata = metadata
    return model
  }
}
