import Execution
import GraphIR
import Operators
import TensorCore
import Testing

@testable import Passes

@Suite struct PassTests {
  /// Runs a graph on one input and gives its first output.
  private func output(_ graph: Graph, _ x: Tensor) throws -> [Float] {
    let results = try Session(graph: graph).run([graph.inputs[0]: x], fetch: graph.outputs)
    return try #require(results[graph.outputs[0]]).elements(of: Float.self)
  }

  private func ramp(_ shape: [Int], scale: Float = 0.1) -> Tensor {
    Tensor((0..<shape.reduce(1, *)).map { Float($0 % 7 - 3) * scale }, shape: shape)
  }

  /// x -> Conv(w through Identity) -> BatchNormalization -> Relu -> Dropout -> y, and a dead branch.
  private func decorated() -> Graph {
    var graph = Graph()
    let x = graph.addInput(name: "x", type: TensorType(.float32, [.symbolic("n"), 2, 4, 4]))
    let w = graph.addConstant(name: "w", ramp([3, 2, 3, 3]))
    let same = graph.addNode(Identity(), name: "copy", inputs: [w], output: "w_copy")
    let conv = graph.addNode(
      Conv(window: SlidingWindow(pads: [1, 1, 1, 1])), name: "conv", inputs: [x, same],
      output: "c")
    let parameters = ["gamma", "beta", "mean", "var"].enumerated().map { index, name in
      graph.addConstant(
        name: name, Tensor([Float(index) + 0.5, 1, 2].map { abs($0) + 0.25 }, shape: [3]))
    }
    let normal = graph.addNode(
      BatchNormalization(), name: "bn", inputs: [conv] + parameters, output: "n")
    let relu = graph.addNode(Relu(), name: "relu", inputs: [normal], output: "r")
    let y = graph.addNode(Dropout(), name: "drop", inputs: [relu], output: "y")
    _ = graph.addNode(Sigmoid(), name: "dead", inputs: [relu], output: "unused")
    graph.addOutput(y)
    return graph
  }

  @Test func `canonicalisation removes identities and dead nodes and keeps the outputs' bits`()
    throws
  {
    let original = decorated()
    var graph = original
    let reports = try Pipeline.importCanonical.run(&graph)
    #expect(!reports.isEmpty)
    #expect(graph.nodeIDs.map { graph[$0].name } == ["conv", "bn", "relu"])
    #expect(graph.outputs.map { graph[$0].name } == ["y"])
    let x = ramp([2, 2, 4, 4])
    #expect(try output(graph, x) == output(original, x))
    #expect(try Pipeline.importCanonical.run(&graph).isEmpty, "a second run changes nothing")
  }

  @Test func `weights in Constant nodes become constants under their names`() throws {
    var graph = Graph()
    let x = graph.addInput(name: "x", type: TensorType(.float32, [.symbolic("n"), 3]))
    let w = graph.addNode(Constant(ramp([3, 2])), name: "held", inputs: [], output: "w")
    graph.addOutput(graph.addNode(MatMul(), name: "mul", inputs: [x, w], output: "y"))
    try Pipeline.importCanonical.run(&graph)
    #expect(graph.nodeIDs.map { graph[$0].name } == ["mul"])
    #expect(graph[w].name == "w" && graph[w].constant?.shape == [3, 2])
  }

  @Test func `a reshape to what shape arithmetic gives has a known shape`() throws {
    var graph = Graph()
    let x = graph.addInput(name: "x", type: TensorType(.float32, shape: [1, 21, 21, 96]))
    func int(_ name: String, _ values: [Int64]) -> ValueID {
      graph.addConstant(name: name, Tensor(values, shape: [values.count]))
    }
    let shape = graph.addNode(ShapeOf(), name: "shape", inputs: [x], output: "s")
    let height = graph.addNode(
      Gather(axis: 0), name: "height", inputs: [shape, int("one", [1])], output: "h")
    let windows = graph.addNode(
      Div(), name: "windows", inputs: [height, int("seven", [7])], output: "w")
    let target = graph.addNode(
      Concat(axis: 0), name: "target", inputs: [int("batch", [1]), windows, int("rest", [7, -1])],
      output: "t")
    let y = graph.addNode(Reshape(), name: "reshape", inputs: [x, target], output: "y")
    graph.addOutput(y)
    _ = try ShapeInference().run(&graph)
    #expect(graph[y].type?.shape == [1, 3, 7, 2016])
    #expect(try ShapeInference().run(&graph).isEmpty)
  }

  @Test func `folding batch normalisation changes outputs by rounding only`() throws {
    let original = decorated()
    var graph = original
    try Pipeline.importCanonical.run(&graph)
    let edits = try Pipeline.foldForQuantization.run(&graph)
    #expect(edits.first?.edits.map(\.node) == ["bn"])
    let x = ramp([2, 2, 4, 4])
    for (a, b) in zip(try output(graph, x), try output(original, x)) {
      #expect(abs(a - b) <= 1e-5 * max(1, abs(b)))
    }
  }

  @Test func `batch normalisation stays where the convolution has another reader`() throws {
    var graph = decorated()
    try Pipeline.importCanonical.run(&graph)
    graph.addOutput(try #require(graph.value(named: "c")))
    #expect(try Pipeline.foldForQuantization.run(&graph).isEmpty)
  }

  /// A graph exported for one sample, with the batch written into a Reshape.
  private func fixedBatch() -> Graph {
    var graph = Graph()
    let x = graph.addInput(name: "x", type: TensorType(.float32, shape: [1, 2, 3]))
    let shape = graph.addConstant(name: "shape", Tensor([Int64(1), 6], shape: [2]))
    let flat = graph.addNode(Reshape(), name: "reshape", inputs: [x, shape], output: "flat")
    let w = graph.addConstant(name: "w", ramp([6, 2]))
    graph.addOutput(graph.addNode(MatMul(), name: "mm", inputs: [flat, w], output: "y"))
    return graph
  }

  @Test func `a batch of one written into reshapes becomes any batch under the same ids`() throws {
    let original = fixedBatch()
    var graph = original
    let edits = try BatchGeneralization().run(&graph)
    #expect(edits.map(\.node) == ["x", "reshape"])
    #expect(graph.nodeIDs == original.nodeIDs && graph.outputs == original.outputs)
    let both = ramp([2, 2, 3])
    let together = try output(graph, both)
    let first = try output(original, try #require(both.slice(0..<1)))
    let second = try output(original, try #require(both.slice(1..<2)))
    // Another number of rows may be summed in another order.
    #expect(together.count == first.count + second.count)
    #expect(zip(together, first + second).allSatisfy { abs($0 - $1) <= 1e-6 })
  }

  @Test func `a graph with a symbolic batch is not touched by generalisation`() throws {
    var graph = decorated()
    #expect(try BatchGeneralization().run(&graph).isEmpty)
  }

  @Test func `half and double precision become single precision`() throws {
    var graph = Graph()
    let x = graph.addInput(name: "x", type: TensorType(.float32, shape: [1, 2]))
    let half = Tensor(
      elementType: .float16, shape: [2],
      storage: TensorStorage(byteCount: 4) {
        $0.storeBytes(of: HalfPrecision.float16(1.5), toByteOffset: 0, as: UInt16.self)
        $0.storeBytes(of: HalfPrecision.float16(-2), toByteOffset: 2, as: UInt16.self)
      })
    let w = graph.addConstant(name: "w", try #require(half))
    let cast = graph.addNode(Cast(to: .float64), name: "cast", inputs: [x], output: "d")
    graph.addOutput(graph.addNode(Mul(), name: "mul", inputs: [cast, w], output: "y"))
    try Pipeline.importCanonical.run(&graph)
    #expect(try output(graph, Tensor([Float(2), 3], shape: [1, 2])) == [3, -6])
  }

  @Test func `every pipeline keeps the order that its passes ask for`() {
    for pipeline in Pipeline.all {
      var before: [String] = []
      let names = pipeline.passes.map { type(of: $0).name }
      for pass in pipeline.passes {
        for required in type(of: pass).mustFollow where names.contains(required.name) {
          #expect(before.contains(required.name), "\(type(of: pass).name) in \(pipeline.name)")
        }
        before.append(type(of: pass).name)
      }
    }
  }

  @Test(arguments: ExportFormat.allCases)
  func `the pipelines of a format are those of what it can express`(_ format: ExportFormat) {
    for feature in [ExportFeature.thresholds, .channelsLast] {
      var options = ExportOptions(format: format)
      if feature == .thresholds { options.batchNormalization = .thresholds }
      if feature == .channelsLast { options.channelsLast = true }
      #expect(options.inexpressible == (feature.formats.contains(format) ? nil : feature))
    }
    let passes = format.pipelines.map { $0.passes.map { type(of: $0).name } }
    #expect(
      passes.contains { $0.contains(NormalizationToThresholds.name) }
        == format.expresses(.thresholds))
    #expect(
      passes.contains { $0.contains(ChannelsLastExport.name) } == format.expresses(.channelsLast))
    #expect(Pipeline.all.count { $0.name == "export-\(format.rawValue)" } == passes.count)
  }

  @Test func `weights of a file in tiles keep their order where it is channels last`() throws {
    for hasTiles in [false, true] {
      let source = ExportSource(opset: 13, isChannelsLast: true, hasTiles: hasTiles)
      let passes = ExportFormat.pipeline(ExportOptions(format: .qcdq), from: source).passes
      let turning = try #require(passes.lazy.compactMap { $0 as? ChannelsFirstExport }.first)
      #expect(turning.movesWeights == !hasTiles)
    }
  }

  @Test func `an error names the pass and those before it`() {
    struct Failing: Pass {
      static let name = "failing"
      func run(_ graph: inout Graph) throws(PassError) -> [Edit] {
        throw .notConverged(rounds: 3)
      }
    }
    var graph = decorated()
    #expect {
      try Pipeline("test", [DeadNodeElimination(), Failing()]).run(&graph)
    } throws: { error in
      "\(error)" == "no fixed point after 3 rounds (in pass failing, after dead-node-elimination)"
    }
  }
}
