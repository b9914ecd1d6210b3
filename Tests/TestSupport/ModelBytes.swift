/// A small model as bytes, with hooks to break each of its parts.
///
/// `x -> Mul(x, w) -> y`, with `w` of shape [2].
package struct ModelBytes: Sendable {
  package var irVersion: Int?
  package var opsets: [(domain: String, version: Int)] = [("", 13)]
  package var inputs: [String]
  package var outputs: [String]
  package var nodes: [WireMessage] = [ModelBytes.node("Mul", ["x", "w"], ["y"], name: "mul")]
  package var initializers: [WireMessage] = [ModelBytes.tensor("w", dims: [2], floats: [1, 2])]
  /// Added to the graph and to the model as they are.
  package var graphExtra = WireMessage()
  package var modelExtra = WireMessage()

  package init(irVersion: Int? = 8, inputs: [String] = ["x"], outputs: [String] = ["y"]) {
    self.irVersion = irVersion
    self.inputs = inputs
    self.outputs = outputs
  }

  package var bytes: [UInt8] {
    WireMessage { model in
      if let irVersion { model.int(1, irVersion) }
      for opset in opsets {
        model.message(8) {
          $0.string(1, opset.domain)
          $0.int(2, opset.version)
        }
      }
      model.message(7) { graph in
        for node in nodes { graph.message(1, node) }
        graph.string(2, "test")
        for tensor in initializers { graph.message(5, tensor) }
        for name in inputs { graph.message(11, Self.valueInfo(name)) }
        for name in outputs { graph.message(12, Self.valueInfo(name)) }
        graph.raw(graphExtra.bytes)
      }
      model.raw(modelExtra.bytes)
    }.bytes
  }

  package static func node(
    _ type: String, _ inputs: [String], _ outputs: [String], name: String = "",
    attributes: [WireMessage] = []
  ) -> WireMessage {
    WireMessage { node in
      for input in inputs { node.string(1, input) }
      for output in outputs { node.string(2, output) }
      if !name.isEmpty { node.string(3, name) }
      node.string(4, type)
      for attribute in attributes { node.message(5, attribute) }
    }
  }

  package static func tensor(_ name: String, dims: [Int], floats: [Float]) -> WireMessage {
    tensor(name, dims: dims, type: 1) { tensor in
      tensor.bytes(
        9,
        floats.flatMap { value in
          (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) }
        })
    }
  }

  package static func tensor(
    _ name: String, dims: [Int], type: Int?, data: (inout WireMessage) -> Void = { _ in }
  ) -> WireMessage {
    WireMessage { tensor in
      for size in dims { tensor.int(1, size) }
      if let type { tensor.int(2, type) }
      tensor.string(8, name)
      data(&tensor)
    }
  }

  /// A float tensor value of shape [N, 2].
  package static func valueInfo(_ name: String) -> WireMessage {
    WireMessage { info in
      info.string(1, name)
      info.message(2) {
        $0.message(1) { tensor in
          tensor.int(1, 1)
          tensor.message(2) { shape in
            shape.message(1) { $0.string(2, "N") }
            shape.message(1) { $0.int(1, 2) }
          }
        }
      }
    }
  }

  /// A model of graphs inside attributes of nodes inside graphs.
  package static func nested(levels: Int) -> [UInt8] {
    // Lengths are known from the inside, so the bytes are collected back to front.
    var reversed: [UInt8] = []
    func prepend(key: UInt8) {
      var length = reversed.count
      let start = reversed.count
      while length >= 0x80 {
        reversed.append(UInt8(length & 0x7F) | 0x80)
        length >>= 7
      }
      reversed.append(UInt8(length))
      reversed[start...].reverse()
      reversed.append(key)
    }
    for _ in 0..<levels {
      // From the inside: the graph (6) of an attribute, which is one (5) of a node (1) of a graph.
      prepend(key: 0x32)
      prepend(key: 0x2A)
      prepend(key: 0x0A)
    }
    prepend(key: 0x3A)
    return [0x08, 0x08] + reversed.reversed()
  }
}
