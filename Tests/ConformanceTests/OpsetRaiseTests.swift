import Execution
import Foundation
import GraphIR
import OnnxFormat
import Operators
import Passes
import TensorCore
import TestSupport
import Testing

/// Models keep their results in later opsets.
@Suite struct OpsetRaiseTests {
  /// Cases that the newest opset can't express, and why.
  private static let refused: [String: String] = [
    "node/test_loop11":
      "its body, which stays as it is in the file, holds an Unsqueeze of opset 11",
    "node/test_scan_sum": "a Scan of opset 8, which goes through the samples of a batch",
  ]

  @Test(
    .enabled(if: NodeTest.data != nil, "skipped: the peers' Python has no onnx with test data"))
  func `every ONNX node test that passes does so in the newest opset too`() throws {
    let data = try #require(NodeTest.data)
    let manifest = try Manifest(String(contentsOf: Manifest.path, encoding: .utf8))
    for test in try NodeTest.all(in: data) {
      switch manifest.entries[test.name] {
      case .pass, .corrected: break
      default: continue
      }
      do {
        try test.checkRaised(to: RaisedModel.newestOpset)
        #expect(Self.refused[test.name] == nil, "\(test.name) passes")
      } catch {
        #expect(Self.refused[test.name] != nil, "\(test.name): \(error)")
      }
    }
  }

  /// The models of `fixtures/ops`, of one operator each.
  static let models: [String] = {
    let folder = Fixtures.path("ops")
    func contents(_ path: String) -> [String] {
      ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
    }
    return contents(folder).flatMap { type in contents(folder + "/" + type).map { type + "/" + $0 }
    }
  }()

  @Test(arguments: models, [13, 21, RaisedModel.newestOpset])
  func `a recorded case has the same result in a later opset`(_ name: String, _ opset: Int) throws {
    let folder = Fixtures.path("ops/" + name)
    let path = folder + "/model.onnx"
    let original = try OnnxReader.read(path: path, resolver: Catalogue())
    guard let from = original.opset(of: ""), from < opset else { return }
    let raised = try RaisedModel.graph(of: path, opset: opset)
    func run(_ graph: Graph) throws -> [Tensor?] {
      var inputs: [ValueID: Tensor] = [:]
      for (index, input) in graph.inputs.enumerated() {
        inputs[input] = try TensorFile.read(path: folder + "/input_\(index).pb")
      }
      let results = try Session(graph: graph).run(inputs, fetch: graph.outputs)
      return graph.outputs.map { results[$0] }
    }
    #expect(try run(raised) == run(original.graph))
  }

  @Test(.enabled(if: NodeTest.data != nil, "skipped: the peers' Python has no onnx"))
  func `onnxruntime computes what is recorded from the models in opset 21`() throws {
    let folder = try TemporaryFolder()
    var lines: [String] = []
    for (index, name) in Self.models.enumerated() {
      let path = Fixtures.path("ops/" + name)
      let model = try OnnxReader.read(path: path + "/model.onnx", resolver: Catalogue())
      // The operators of other domains are none of onnxruntime's.
      let domains = model.graph.nodeIDs.map { model.graph[$0].op.domain }
      guard domains.allSatisfy(\.isEmpty), let from = model.opset(of: ""), from < 21 else {
        continue
      }
      let raised = folder.path("\(index).onnx")
      try RaisedModel.write(path + "/model.onnx", opset: 21, to: raised)
      lines.append("\(raised) \(path)")
    }
    let list = try folder.write(Array(lines.joined(separator: "\n").utf8), to: "list")
    let script = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "Scripts/raised.py")
    let result = try Peers.runPython(file: script, [list])
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.output == "\(lines.count) models agree\n", "\(result.errors)")
  }

  @Test func `a neighbour on axes that shrink and grow takes two nodes from opset 11 on`() throws {
    func resize(_ scales: [Float]) throws -> (old: Graph, new: Graph) {
      var graph = Graph()
      let x = graph.addInput(name: "x", type: TensorType(.float32, shape: [1, 1, 7, 5]))
      let factors = graph.addConstant(name: "scales", Tensor(scales, shape: [4]))
      let op = try Resize(attributes: AttributeReader([], opset: 10))
      graph.addOutput(graph.addNode(op, name: "resize", inputs: [x, factors], output: "y"))
      var raised = graph
      _ = try OpsetRaise(from: 10, to: 13).run(&raised)
      return (graph, raised)
    }
    let x = Tensor((0..<35).map(Float.init), shape: [1, 1, 7, 5])
    func run(_ graph: Graph) throws -> Tensor? {
      try Session(graph: graph).run([graph.inputs[0]: x], fetch: graph.outputs)[graph.outputs[0]]
    }
    for (scales, count) in [
      ([1, 1, 0.6, 2.5], 2), ([1, 1, 0.5, 0.7], 1), ([1, 1, 1.3, 2], 1),
    ] as [([Float], Int)] {
      let (old, new) = try resize(scales)
      #expect(new.nodeIDs.count == count)
      #expect(try run(new) == run(old))
    }
  }

  @Test func `a flattening softmax keeps its rows where the batch is open`() throws {
    var graph = Graph()
    let x = graph.addInput(name: "x", type: TensorType(.float32, [.symbolic("n"), 3, 4]))
    let op = try Softmax(attributes: AttributeReader([], opset: 11))
    graph.addOutput(graph.addNode(op, name: "softmax", inputs: [x], output: "y"))
    var raised = graph
    _ = try OpsetRaise(from: 11, to: 13).run(&raised)
    #expect(raised.nodeIDs.count == 4)
    #expect(raised[raised.outputs[0]].name == "y")
    let data = Tensor((0..<24).map { Float($0 % 7) }, shape: [2, 3, 4])
    func run(_ graph: Graph) throws -> Tensor? {
      try Session(graph: graph).run([graph.inputs[0]: data], fetch: graph.outputs)[graph.outputs[0]]
    }
    #expect(try run(raised) == run(graph))
  }

  @Test func `what a later opset can't express is refused by name`() throws {
    func message(
      _ op: any Operator, from: Int, inputs: [ValueID?], _ graph: Graph, outputs: Int = 1
    ) -> String? {
      var graph = graph
      let values = (0..<outputs).map { graph.addValue(name: "y\($0)") }
      graph.addNode(op, name: "node", inputs: inputs, outputs: values)
      for value in values { graph.addOutput(value) }
      do {
        _ = try OpsetRaise(from: from, to: 21).run(&graph)
        return nil
      } catch { return "\(error)" }
    }
    var graph = Graph()
    let x = graph.addInput(name: "x", type: TensorType(.float32, shape: [1, 4, 6, 6]))
    let scales = graph.addInput(name: "scales", type: TensorType(.float32, shape: [4]))
    let resize = try Resize(attributes: AttributeReader([], opset: 10))
    #expect(
      message(resize, from: 10, inputs: [x, scales], graph)
        == "node 'node' (Resize): input 'scales' must be constant")
    let half = try Resize(
      attributes: AttributeReader(
        [Attribute("coordinate_transformation_mode", .string("tf_half_pixel_for_nn"))], opset: 11))
    #expect(
      message(half, from: 11, inputs: [x, nil, scales], graph)?.contains("tf_half_pixel_for_nn")
        == true)
    let dropout = Dropout(ratio: 0.5)
    #expect(message(dropout, from: 9, inputs: [x], graph) == nil)
    #expect(
      message(dropout, from: 9, inputs: [x], graph, outputs: 2)?.contains("mask") == true)
    #expect(message(dropout, from: 11, inputs: [x], graph, outputs: 2) == nil)
    let unknown = OpaqueOperator(domain: "", type: "Unknown", attributes: [])
    #expect(
      message(unknown, from: 13, inputs: [x], graph)
        == "node 'node' (Unknown): bringing it from opset 13 to 21 is not supported")
  }
}
