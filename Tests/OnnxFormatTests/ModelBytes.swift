import GraphIR
import TensorCore
import TestSupport

@testable import OnnxFormat

/// A small model as bytes, with hooks to break each of its parts.
///
/// `x -> Mul(x, w) -> y`, with `w` of shape [2].
struct ModelBytes {
  var irVersion: Int? = 8
  var opsets: [(domain: String, version: Int)] = [("", 13)]
  var inputs = ["x"]
  var outputs = ["y"]
  var nodes: [WireMessage] = [ModelBytes.node("Mul", ["x", "w"], ["y"], name: "mul")]
  var initializers: [WireMessage] = [ModelBytes.tensor("w", dims: [2], floats: [1, 2])]
  /// Added to the graph and to the model as they are.
  var graphExtra = WireMessage()
  var modelExtra = WireMessage()

  var bytes: [UInt8] {
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

  static func node(
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

  static func tensor(_ name: String, dims: [Int], floats: [Float]) -> WireMessage {
    tensor(name, dims: dims, type: 1) { tensor in
      tensor.bytes(
        9,
        floats.flatMap { value in
          (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) }
        })
    }
  }

  static func tensor(
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
  static func valueInfo(_ name: String) -> WireMessage {
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

  func read(folder: String? = nil) throws(FormatError) -> Model {
    try OnnxReader.read(bytes: bytes, folder: folder, resolver: OpaqueResolver())
  }

  /// What is wrong with the model, or `nil` where it can be read.
  func problem(folder: String? = nil) -> FormatProblem? {
    do throws(FormatError) {
      _ = try read(folder: folder)
      return nil
    } catch {
      return error.problem
    }
  }
}

/// What is wrong with the bytes of a model, or `nil` where they can be read.
func problem(_ bytes: [UInt8]) -> FormatProblem? {
  do throws(FormatError) {
    _ = try OnnxReader.read(bytes: bytes, resolver: OpaqueResolver())
    return nil
  } catch {
    return error.problem
  }
}
