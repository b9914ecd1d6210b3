import Foundation
import GraphIR
import TensorCore
import TestSupport
import Testing

@testable import OnnxFormat

/// What this package has no use for comes out of a file as it went in.
@Suite struct PreservationTests {
  /// A node `If` whose branch reads `x` and `w` of the outer graph.
  static let branch = WireMessage { attribute in
    attribute.string(1, "then_branch")
    attribute.int(20, 5)
    attribute.message(6) { graph in
      graph.message(1, ModelBytes.node("Mul", ["x", "inner"], ["a"]))
      graph.message(1, ModelBytes.node("Add", ["a", "w"], ["b"]))
      graph.string(2, "branch")
      graph.message(5, ModelBytes.tensor("inner", dims: [2], floats: [3, 4]))
      graph.message(12, ModelBytes.valueInfo("b"))
    }
  }

  static func everything() -> ModelBytes {
    var model = ModelBytes(irVersion: 11)
    let entry = WireMessage {
      $0.string(1, "key")
      $0.string(2, "value")
    }
    model.opsets.append(("functions", 1))
    model.nodes = [
      WireMessage { node in
        node.raw(ModelBytes.node("Mul", ["x", "w"], ["h"], name: "mul").bytes)
        node.string(6, "a product")
        node.string(8, "overload")
        node.message(9, entry)
        node.message(10) { $0.string(1, "device") }
      },
      ModelBytes.node("If", ["c"], ["i"], name: "if", attributes: [Self.branch]),
      ModelBytes.node("Add", ["h", "sparse"], ["s"], name: "add"),
      ModelBytes.node("Add", ["s", "i"], ["y"], name: "sum"),
    ]
    let sparse = WireMessage { tensor in
      tensor.message(1, ModelBytes.tensor("sparse", dims: [1], floats: [5]))
      tensor.message(2, ModelBytes.tensor("", dims: [1], type: 7) { $0.bytes(7, [1]) })
      tensor.int(3, 2)
    }
    model.initializers.append(ModelBytes.tensor("c", dims: [], type: 9) { $0.bytes(9, [1]) })
    model.graphExtra = WireMessage { graph in
      graph.string(10, "documentation")
      graph.message(13) { info in
        info.raw(ModelBytes.valueInfo("h").bytes)
        info.string(3, "hidden")
        info.message(4, entry)
      }
      // A sequence of tensors, which is no tensor type.
      graph.message(13) { info in
        info.string(1, "s")
        info.message(2) { $0.message(4) { $0.message(1) { $0.message(1) { $0.int(1, 1) } } } }
      }
      graph.message(14) { annotation in
        annotation.string(1, "h")
        annotation.message(2, entry)
      }
      graph.message(15, sparse)
      graph.message(16, entry)
    }
    model.modelExtra = WireMessage { extra in
      extra.string(2, "producer")
      extra.string(3, "1.0")
      extra.string(4, "org.example")
      extra.int(5, 7)
      extra.string(6, "a model")
      extra.message(14, entry)
      extra.message(20) { $0.message(3, entry) }
      extra.message(25) { function in
        function.string(1, "twice")
        function.string(10, "functions")
        function.message(7, ModelBytes.node("Add", ["v", "v"], ["r"]))
      }
      extra.message(26) { $0.string(1, "device") }
    }
    return model
  }

  @Test func `every part of a model survives a round trip`() throws {
    let model = try Self.everything().read()
    let first = try OnnxWriter.serialize(model)
    let again = try OnnxReader.read(bytes: first, resolver: OpaqueResolver())
    expectEqual(again, model)
    #expect(try OnnxWriter.serialize(again) == first)

    let graph = again.graph
    let h = try #require(graph.value(named: "h"))
    #expect(graph[h].annotations == [KeyValue("key", "value")])
    #expect(graph[h].documentation == "hidden")
    #expect(graph[h].metadata == [KeyValue("key", "value")])
    let mul = try #require(graph.node(named: "mul"))
    #expect(graph[mul].overload == "overload")
    #expect(graph[mul].documentation == "a product")
    #expect(graph[mul].deviceConfigurations.count == 1)
    #expect(graph.value(named: "s").map { graph[$0].serializedType != nil } == true)
    #expect(graph.value(named: "sparse").map { graph[$0].serializedConstant != nil } == true)
    #expect(again.preserved.functions.count == 1)
    #expect(again.preserved.trainingInfo.count == 1)
    #expect(again.preserved.deviceConfigurations.count == 1)
    #expect(again.modelVersion == 7)
  }

  @Test func `what a subgraph reads counts as used`() throws {
    let graph = try Self.everything().read().graph
    let node = try #require(graph.node(named: "if"))
    #expect(graph[node].captures.map(\.name) == ["x", "w"])
    let w = try #require(graph.value(named: "w"))
    #expect(graph.consumers(of: w).map { graph[$0].name } == ["mul", "if"])
  }

  @Test func `a subgraph that reads what nobody defines is refused`() {
    var model = Self.everything()
    model.initializers.removeFirst()
    model.nodes[0] = ModelBytes.node("Relu", ["x"], ["h"])
    #expect(model.problem() == .graph(.danglingValue(name: "w", consumer: "if")))
  }

  @Test func `a value that a subgraph reads can't be renamed on the way out`() throws {
    var model = try Self.everything().read()
    let w = try #require(model.graph.value(named: "w"))
    model.graph.rename(w, to: "renamed")
    #expect(
      throws: FormatError(file: "model", .capturedName(node: "if", name: "w"))
    ) { try OnnxWriter.serialize(model) }
  }

  @Test func `a sparse initializer is written under its value's name`() throws {
    var model = try Self.everything().read()
    let sparse = try #require(model.graph.value(named: "sparse"))
    model.graph.rename(sparse, to: "thin")
    let again = try OnnxReader.read(
      bytes: OnnxWriter.serialize(model), resolver: OpaqueResolver())
    let thin = try #require(again.graph.value(named: "thin"))
    #expect(again.graph[thin].serializedConstant != nil)
  }

  @Test(.enabled(if: Peers.python != nil, "\(Peers.hint)"))
  func `the preserved parts read the same to onnx`() throws {
    let folder = try TemporaryFolder()
    let original = try folder.write(Self.everything().bytes, to: "a.onnx")
    let written = folder.path("b.onnx")
    try OnnxWriter.write(
      OnnxReader.read(path: original, resolver: OpaqueResolver()), to: written)
    let result = try Peers.runPython(
      """
      import sys, onnx
      a, b = onnx.load(sys.argv[1]), onnx.load(sys.argv[2])
      assert list(a.functions) == list(b.functions) and len(b.functions) == 1
      assert list(a.training_info) == list(b.training_info)
      assert list(a.graph.sparse_initializer) == list(b.graph.sparse_initializer)
      assert a.graph.node[1].attribute[0] == b.graph.node[1].attribute[0]
      assert list(a.graph.value_info) == list(b.graph.value_info)
      assert list(a.graph.metadata_props) == list(b.graph.metadata_props)
      assert list(a.graph.node[0].metadata_props) == list(b.graph.node[0].metadata_props)
      """, [original, written])
    #expect(result.status == 0, "\(result.errors)")
  }
}
