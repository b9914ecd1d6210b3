import GraphIR
import TensorCore
import Testing

@testable import Execution
@testable import Operators

/// Graphs in which shapes or branches follow from values.
@Suite struct StagedSessionTests {
  /// Subgraphs that are made in code: the attribute's one byte says which.
  struct Bodies: SubgraphDecoder {
    var graphs: [DecodedSubgraph]

    func decode(_ attribute: [UInt8]) -> DecodedSubgraph { graphs[Int(attribute[0])] }

    /// A graph that captures `x` and computes one output of it.
    static func unary(_ op: any Operator) -> DecodedSubgraph {
      var graph = Graph()
      let x = graph.addInput(name: "x", type: nil)
      graph.addOutput(graph.addNode(op, name: "op", inputs: [x], output: "y"))
      return DecodedSubgraph(graph: graph, inputCount: 0)
    }

    func conditional() throws -> If {
      try If(
        attributes: AttributeReader(
          [Attribute("then_branch", .serialized([0])), Attribute("else_branch", .serialized([1]))],
          opset: 16, subgraphs: self))
    }
  }

  /// `c ? relu(x) : -x`, with the value of c computed by `condition`.
  static func choice(
    _ condition: (inout Graph, ValueID) -> ValueID
  ) throws -> (graph: Graph, x: ValueID, y: ValueID) {
    var graph = Graph()
    let x = graph.addInput(name: "x", type: TensorType(.float32, [.symbolic("N")]))
    let c = condition(&graph, x)
    let y = graph.addValue(name: "y")
    let bodies = Bodies(graphs: [Bodies.unary(Relu()), Bodies.unary(Neg())])
    graph.addNode(
      try bodies.conditional(), name: "if", inputs: [c], outputs: [y],
      captures: [Capture(value: x, name: "x")])
    let z = graph.addNode(Neg(), name: "after", inputs: [y], output: "z")
    graph.addOutput(z)
    return (graph, x, z)
  }

  /// `v[n]` of a vector, as an integer.
  static func integer(_ graph: inout Graph, _ vector: ValueID, at place: Int) -> ValueID {
    let index = graph.addConstant(name: "index", Tensor(scalar: Int64(place)))
    let element = graph.addNode(
      Gather(), name: "element", inputs: [vector, index], output: "element")
    return graph.addNode(Cast(to: .int64), name: "cast", inputs: [element], output: "integer")
  }

  @Test func `a branch that the fed shape decides is another one for another shape`() throws {
    let (graph, x, z) = try Self.choice { graph, x in
      let shape = graph.addNode(ShapeOf(), name: "shape", inputs: [x], output: "shape")
      let two = graph.addConstant(name: "two", Tensor([Int64(2)], shape: [1]))
      return graph.addNode(Equal(), name: "equal", inputs: [shape, two], output: "c")
    }
    let session = try Session(graph: graph)
    for _ in 0..<2 {
      let two = try session.run([x: Tensor([-1, 5] as [Float], shape: [2])], fetch: [z])
      #expect(two[z]?.elements(of: Float.self) == [0, -5])
      let three = try session.run([x: Tensor([-1, 5, 2] as [Float], shape: [3])], fetch: [z])
      #expect(three[z]?.elements(of: Float.self) == [-1, 5, 2])
    }
  }

  @Test func `a branch that data decides is another one for other data of the same shape`() throws {
    let (graph, x, z) = try Self.choice { graph, x in
      let sum = graph.addNode(
        ReduceSum(axes: ReductionAxes(.attribute(nil), keepsDimensions: false)), name: "sum",
        inputs: [x], output: "sum")
      let zero = graph.addConstant(name: "zero", Tensor(scalar: Float(0)))
      return graph.addNode(Greater(), name: "greater", inputs: [sum, zero], output: "c")
    }
    let session = try Session(graph: graph)
    for _ in 0..<2 {
      let positive = try session.run([x: Tensor([-1, 5] as [Float], shape: [2])], fetch: [z])
      #expect(positive[z]?.elements(of: Float.self) == [0, -5])
      let negative = try session.run([x: Tensor([-7, 5] as [Float], shape: [2])], fetch: [z])
      #expect(negative[z]?.elements(of: Float.self) == [-7, 5])
    }
  }

  @Test(arguments: [8, 5000])
  func `a slice whose bounds are data follows them, however long the data is`(_ count: Int) throws {
    var graph = Graph()
    let x = graph.addInput(name: "x", type: nil)
    let last = Self.integer(&graph, x, at: count - 1)
    let axis = graph.addConstant(name: "axis", Tensor([Int64(0)], shape: [1]))
    let end = graph.addNode(
      Unsqueeze(axes: .input), name: "end", inputs: [last, axis], output: "end")
    let twice = graph.addNode(Add(), name: "twice", inputs: [x, x], output: "twice")
    let part = graph.addNode(
      Slice(), name: "slice", inputs: [twice, axis, end, axis], output: "part")
    let y = graph.addNode(Neg(), name: "after", inputs: [part], output: "y")
    graph.addOutput(y)
    let session = try Session(graph: graph)
    for length in [3, 1, 0, 3] {
      var elements = (0..<count).map { Float($0) }
      elements[count - 1] = Float(length)
      let feed = [x: Tensor(elements, shape: [count])]
      let results = try session.run(feed, fetch: [y, twice])
      #expect(results[y]?.elements(of: Float.self) == (0..<length).map { -2 * Float($0) })
      #expect(results[twice]?.shape == [count])
      #expect(try session.types(of: [y], for: feed)[y]?.shape == [length])
    }
  }

  @Test func `shapes that follow from what a stage gave are found in a further stage`() throws {
    // NonZero finds n elements; a Range as long as the last place that it found follows.
    var graph = Graph()
    let x = graph.addInput(name: "x", type: TensorType(.float32, [.symbolic("N")]))
    let places = graph.addNode(NonZero(), name: "nonzero", inputs: [x], output: "places")
    let last = graph.addNode(
      ReduceMax(axes: ReductionAxes(.attribute(nil), keepsDimensions: false)), name: "last",
      inputs: [places], output: "last")
    let zero = graph.addConstant(name: "zero", Tensor(scalar: Int64(0)))
    let one = graph.addConstant(name: "one", Tensor(scalar: Int64(1)))
    let range = graph.addNode(
      RangeOf(), name: "range", inputs: [zero, last, one], output: "range")
    for value in [places, range] { graph.addOutput(value) }
    let session = try Session(graph: graph)
    let results = try session.run(
      [x: Tensor([0, 3, 0, 0, -1, 0] as [Float], shape: [6])], fetch: graph.outputs)
    #expect(results[places]?.shape == [1, 2])
    #expect(results[places]?.elements(of: Int64.self) == [1, 4])
    #expect(results[range]?.elements(of: Int64.self) == [0, 1, 2, 3])
  }

  @Test func `a loop runs as often as data says, and stacks what each iteration gives`() throws {
    // s <- s + x in each iteration, which also gives s.
    var body = Graph()
    let iteration = body.addInput(name: "i", type: TensorType(.int64, shape: []))
    let goesOn = body.addInput(name: "on", type: TensorType(.bool, shape: []))
    let state = body.addInput(name: "s", type: TensorType(.float32, shape: [2]))
    let captured = body.addInput(name: "x", type: nil)
    let sum = body.addNode(Add(), name: "add", inputs: [state, captured], output: "sum")
    let copy = body.addNode(
      Identity(), name: "copy", inputs: [sum], output: "copy",
      type: TensorType(.float32, shape: [2]))
    let same = body.addNode(Identity(), name: "same", inputs: [goesOn], output: "same")
    for value in [same, sum, copy] { body.addOutput(value) }
    _ = iteration
    let bodies = Bodies(graphs: [DecodedSubgraph(graph: body, inputCount: 3)])

    var graph = Graph()
    let x = graph.addInput(name: "x", type: nil)
    let trips = Self.integer(&graph, x, at: 0)
    let start = graph.addConstant(name: "start", Tensor([0, 10] as [Float], shape: [2]))
    let end = graph.addValue(name: "end")
    let all = graph.addValue(name: "all")
    let loop = try Loop(
      attributes: AttributeReader(
        [Attribute("body", .serialized([0]))], opset: 16, subgraphs: bodies))
    graph.addNode(
      loop, name: "loop", inputs: [trips, nil, start], outputs: [end, all],
      captures: [Capture(value: x, name: "x")])
    for value in [end, all] { graph.addOutput(value) }
    let session = try Session(graph: graph)
    for count in [3, 0, 2] {
      let feed = Tensor([Float(count), 1], shape: [2])
      let results = try session.run([x: feed], fetch: [end, all])
      #expect(results[end]?.elements(of: Float.self) == [Float(count * count), Float(10 + count)])
      #expect(results[all]?.shape == [count, 2])
      let expected = (1..<count + 1).flatMap { [Float(count * $0), Float(10 + $0)] }
      #expect(results[all]?.elements(of: Float.self) == expected)
    }
  }

  @Test func `what a stage computed and later nodes read is not computed again`() throws {
    let (graph, x, z) = try Self.choice { graph, x in
      let sum = graph.addNode(
        ReduceSum(axes: ReductionAxes(.attribute(nil), keepsDimensions: false)), name: "sum",
        inputs: [x], output: "sum")
      return graph.addNode(Cast(to: .bool), name: "bool", inputs: [sum], output: "c")
    }
    let sum = try #require(graph.value(named: "sum"))
    let key = PlanKey([x: Tensor([1, 2] as [Float], shape: [2])], results: [z, sum])
    let inference = try ConcreteInference(
      graph, fed: [x: ConcreteType(.float32, [2])], results: key.results, known: [:])
    let stage = Stage(key, inference, in: graph)
    #expect(stage.nodes.map { graph[$0].name } == ["if"])
    #expect(stage.operands.map { graph[$0].name } == ["c"])
    #expect(stage.kept.map { graph[$0].name } == ["sum"])
  }

  @Test func `a graph without such nodes takes one stage`() throws {
    let network = SessionTests.Network()
    let inference = try ConcreteInference(
      network.graph, fed: [network.input: ConcreteType(.float32, [1, 3, 8, 8])],
      results: [network.output], known: [:])
    #expect(inference.undecided.isEmpty)
  }
  @Test func `a session knows that its graph chose by data`() throws {
    let (graph, x, z) = try Self.choice { graph, x in
      let sum = graph.addNode(
        ReduceSum(axes: ReductionAxes(.attribute(nil), keepsDimensions: false)), name: "sum",
        inputs: [x], output: "sum")
      let zero = graph.addConstant(name: "zero", Tensor(scalar: Float(0)))
      return graph.addNode(Greater(), name: "greater", inputs: [sum, zero], output: "c")
    }
    let session = try Session(graph: graph)
    #expect(!session.dependsOnData)
    _ = try session.run([x: Tensor([1, 5] as [Float], shape: [2])], fetch: [z])
    #expect(session.dependsOnData)
  }

  @Test func `a sequence whose length only a run tells is scanned`() throws {
    // s <- s + x, which is also given, over the elements that aren't 0.
    var body = Graph()
    let state = body.addInput(name: "s", type: TensorType(.int64, shape: []))
    let slice = body.addInput(name: "slice", type: TensorType(.int64, shape: []))
    let sum = body.addNode(Add(), name: "add", inputs: [state, slice], output: "sum")
    let copy = body.addNode(Identity(), name: "copy", inputs: [sum], output: "copy")
    for value in [sum, copy] { body.addOutput(value) }
    let bodies = Bodies(graphs: [DecodedSubgraph(graph: body, inputCount: 2)])
    let scan = try Scan(
      attributes: AttributeReader(
        [
          Attribute("body", .serialized([0])), Attribute("num_scan_inputs", .int(1)),
          Attribute("scan_input_axes", .ints([1])), Attribute("scan_input_directions", .ints([1])),
        ], opset: 16, subgraphs: bodies))
    var graph = Graph()
    let x = graph.addInput(name: "x", type: nil)
    let places = graph.addNode(NonZero(), name: "nonzero", inputs: [x], output: "places")
    let start = graph.addConstant(name: "start", Tensor([Int64(100)], shape: [1]))
    let (end, all) = (graph.addValue(name: "end"), graph.addValue(name: "all"))
    graph.addNode(scan, name: "scan", inputs: [start, places], outputs: [end, all])
    for value in [end, all] { graph.addOutput(value) }
    let results = try Session(graph: graph).run(
      [x: Tensor([0, 3, 0, 1, 1] as [Float], shape: [5])], fetch: [end, all])
    #expect(results[end]?.elements(of: Int64.self) == [108])
    #expect(results[all]?.elements(of: Int64.self) == [104, 107, 108])
    #expect(results[all]?.shape == [3, 1])
  }
}
