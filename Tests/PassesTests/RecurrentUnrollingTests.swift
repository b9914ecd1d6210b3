import Execution
import Foundation
import GraphIR
import OnnxFormat
import Operators
import TensorCore
import TestSupport
import Testing

@testable import Passes

/// Recurrent layers as standard operators against onnxruntime's results of the layers themselves.
@Suite struct RecurrentUnrollingTests {
  /// The recorded cases of an operator.
  private static func cases(_ type: String) -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: Fixtures.path("ops/\(type)")))
    return (names ?? []).sorted().map { "ops/\(type)/\($0)" }
  }

  static let recorded = ["GRU", "LSTM", "RNN"].flatMap(cases)

  private static func isRecurrent(_ node: Node) -> Bool { node.op is any RecurrentOperator }

  /// The largest difference of two tensors of one shape.
  private static func difference(_ a: Tensor, _ b: Tensor) -> Float {
    guard a.shape == b.shape else { return .infinity }
    return zip(a.elements(of: Float.self), b.elements(of: Float.self)).map { abs($0 - $1) }.max()
      ?? 0
  }

  @Test func `cases of every recurrent operator are recorded`() {
    for type in ["GRU", "LSTM", "RNN"] { #expect(Self.cases(type).count >= 6) }
  }

  @Test(arguments: recorded) func `the steps compute what the layer does`(_ folder: String) throws {
    let path = Fixtures.path(folder)
    let model = try OnnxReader.read(path: path + "/model.onnx", resolver: Catalogue())
    let opset = try #require(model.opset(of: ""))
    var graph = model.graph
    var feeds: [ValueID: Tensor] = [:]
    for (index, input) in graph.inputs.enumerated() {
      feeds[input] = try TensorFile.read(path: path + "/input_\(index).pb")
    }
    let takesLengths = graph.nodeIDs.contains {
      graph[$0].inputs.count > 4 && graph[$0].inputs[4] != nil
    }
    try Pipeline.unrolling(opset: opset).run(&graph)
    guard !takesLengths else {
      let obstacles = RecurrentUnrolling.obstacles(in: graph, opset: opset)
      #expect(Array(obstacles.values) == [.lengthsOfSamples])
      return
    }
    #expect(!graph.nodeIDs.contains { Self.isRecurrent(graph[$0]) })
    let results = try Session(graph: graph).run(feeds, fetch: graph.outputs)
    for (index, output) in graph.outputs.enumerated() {
      let wanted = try TensorFile.read(path: path + "/output_\(index).pb")
      let result = try #require(results[output])
      #expect(Self.difference(result, wanted) < 1e-5, "output \(index)")
    }
    #expect(
      try Pipeline.unrolling(opset: opset).run(&graph).isEmpty, "a second run changes nothing")
  }

  /// x -> LSTM in both directions -> all outputs, with samples first or steps first.
  private func graph(
    isBatchFirst: Bool, steps: TensorCore.Dimension, weightInput: Bool = false
  ) -> Graph {
    var graph = Graph()
    func numbers(_ shape: [Int]) -> Tensor {
      Tensor((0..<shape.reduce(1, *)).map { Float($0 % 11 - 5) / 8 }, shape: shape)
    }
    let sizes: [TensorCore.Dimension] =
      isBatchFirst ? [.symbolic("n"), steps] : [steps, .symbolic("n")]
    let x = graph.addInput(name: "x", type: TensorType(.float32, sizes + [3]))
    let w = graph.addConstant(name: "w", numbers([2, 8, 3]))
    let r =
      weightInput
      ? graph.addInput(name: "r", type: TensorType(.float32, shape: [2, 8, 2]))
      : graph.addConstant(name: "r", numbers([2, 8, 2]))
    let outputs = ["y", "h", "c"].map { graph.addValue(name: $0) }
    let settings = RecurrentSettings(
      direction: .bidirectional, hiddenSize: 2, isBatchFirst: isBatchFirst,
      defaults: LSTM.defaults)
    graph.addNode(LSTM(settings), name: "lstm", inputs: [x, w, r], outputs: outputs)
    for output in outputs { graph.addOutput(output) }
    return graph
  }

  @Test(arguments: [true, false], [9, 13, 18])
  func `steps of an open batch compute what the layer does, in any opset and layout`(
    isBatchFirst: Bool, opset: Int
  ) throws {
    let original = graph(isBatchFirst: isBatchFirst, steps: 4)
    var unrolled = original
    try Pipeline.unrolling(opset: opset).run(&unrolled)
    let x = Tensor(
      (0..<60).map { Float($0 % 13 - 6) / 5 }, shape: isBatchFirst ? [5, 4, 3] : [4, 5, 3])
    let wanted = try Session(graph: original).run([original.inputs[0]: x], fetch: original.outputs)
    let got = try Session(graph: unrolled).run([unrolled.inputs[0]: x], fetch: unrolled.outputs)
    for (a, b) in zip(original.outputs, unrolled.outputs) {
      #expect(unrolled[b].name == original[a].name)
      #expect(Self.difference(try #require(wanted[a]), try #require(got[b])) < 1e-5)
    }
    // Three steps in each direction read one constant.
    let constants = unrolled.nodeIDs.filter { unrolled[$0].op is MatMul }.compactMap {
      unrolled[$0].inputs[1]
    }
    #expect(constants.count == 8 && Set(constants).count == 4)
  }

  @Test func `what can't be written stays, with the reason`() throws {
    let cases: [(Graph, RecurrentUnrolling.Obstacle)] = [
      (graph(isBatchFirst: false, steps: .symbolic("t")), .openLength),
      (graph(isBatchFirst: true, steps: 257), .length(257)),
      (graph(isBatchFirst: true, steps: 4, weightInput: true), .computedWeights),
    ]
    for (original, obstacle) in cases {
      var graph = original
      try Pipeline.unrolling(opset: 14).run(&graph)
      #expect(graph.nodeIDs.map { graph[$0].name } == ["lstm"])
      #expect(RecurrentUnrolling.obstacles(in: graph, opset: 14) == ["lstm": obstacle])
    }
  }
}
