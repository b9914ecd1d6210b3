import DNNEngine
import GraphIR
import TensorCore
import Testing

@testable import Execution
@testable import Operators

@Suite struct SessionTests {
  /// input [N,3,8,8] -> Conv -> Relu -> Add with the convolution -> GlobalAveragePool -> Flatten
  struct Network {
    var graph = Graph(name: "network")
    let input, convolution, relu, sum, pooled, output: ValueID

    init() {
      let float = TensorType(.float32, [.symbolic("N"), 3, 8, 8])
      input = graph.addInput(name: "input", type: float)
      let values = (0..<17 * 27).map { Float($0 % 7) / 7 - 0.4 }
      let weight = graph.addConstant(name: "w", Tensor(values, shape: [17, 3, 3, 3]))
      convolution = graph.addNode(
        Conv(window: SlidingWindow(pads: [1, 1, 1, 1])), name: "conv", inputs: [input, weight],
        output: "conv_out")
      relu = graph.addNode(Relu(), name: "relu", inputs: [convolution], output: "relu_out")
      sum = graph.addNode(Add(), name: "add", inputs: [relu, convolution], output: "sum")
      pooled = graph.addNode(GlobalAveragePool(), name: "pool", inputs: [sum], output: "pooled")
      output = graph.addNode(Flatten(), name: "flatten", inputs: [pooled], output: "output")
      graph.addOutput(output)
    }
  }

  static func image(_ batch: Int) -> Tensor {
    let count = batch * 3 * 64
    return Tensor((0..<count).map { Float($0 % 13) - 6 }, shape: [batch, 3, 8, 8])
  }

  static func floats(_ tensor: Tensor?) throws -> [Float] {
    try #require(tensor).elements(of: Float.self)
  }

  @Test func `any value can be fetched, and none changes the others`() throws {
    let network = Network()
    let session = try Session(graph: network.graph)
    let feed = [network.input: Self.image(2)]
    let output = try Self.floats(session.run(feed, fetch: [network.output])[network.output])
    let all = [network.output, network.relu, network.convolution, network.sum, network.input]
    let results = try session.run(feed, fetch: all)
    #expect(try Self.floats(results[network.output]) == output)
    #expect(results[network.input] == Self.image(2))
    let plain = try Self.floats(results[network.convolution])
    let relu = try Self.floats(results[network.relu])
    #expect(plain.contains { $0 < 0 } && relu == plain.map { max($0, 0) })
    #expect(try Self.floats(results[network.sum]) == zip(plain, relu).map(+))
  }

  @Test func `the types of values are known without a run`() throws {
    let network = Network()
    let session = try Session(graph: network.graph)
    let feed = [network.input: Self.image(3)]
    let values = [network.relu, network.output]
    let types = try session.types(of: values, for: feed)
    let results = try session.run(feed, fetch: values)
    #expect(types.count == 2)
    for value in values {
      #expect(types[value] == results[value].map { ConcreteType($0.elementType, $0.shape) })
    }
  }

  @Test(arguments: [1, 5])
  func `sessions that share weights don't take them from each other`(batch: Int) throws {
    var graph = Graph(name: "shared")
    let size = 600
    let input = graph.addInput(
      name: "x", type: TensorType(.float32, [.symbolic("N"), .fixed(size)]))
    let weight = graph.addConstant(
      name: "w",
      .renewable(shape: [size, size], of: Float.self) { buffer in
        for index in buffer.indices { buffer[index] = Float(index % 17) - 8 }
      })
    #expect(size * size * 4 >= TensorStorage.leastRenewableBytes)
    let output = graph.addNode(
      Gemm(transposesB: true), name: "fc", inputs: [input, weight], output: "y")
    graph.addOutput(output)
    let x = (0..<batch * size).map { Float($0 % 5) - 2 }
    let feed = [input: Tensor(x, shape: [batch, size])]
    // Small integers, so that every order of summation gives the same.
    let expected = (0..<batch * size).map { index in
      (0..<size).reduce(Float(0)) { sum, k in
        sum + x[index / size * size + k] * (Float((index % size * size + k) % 17) - 8)
      }
    }
    let sessions = try [Session(graph: graph), Session(graph: graph)]
    for session in sessions + sessions {
      #expect(try Self.floats(session.run(feed, fetch: [output])[output]) == expected)
      graph[weight].constant?.storage.discard()
    }
  }

  @Test func `the batch is whatever is fed`() throws {
    let network = Network()
    let session = try Session(graph: network.graph)
    let whole = try Self.floats(
      session.run([network.input: Self.image(5)], fetch: [network.output])[network.output])
    for index in [0, 4] {
      let part = try #require(Self.image(5).slice(index..<index + 1))
      let single = try Self.floats(
        session.run([network.input: part], fetch: [network.output])[network.output])
      #expect(zip(single, whole[(index * 17)...]).allSatisfy { abs($0 - $1) < 1e-4 })
    }
    let none = Tensor([Float](), shape: [0, 3, 8, 8])
    let empty = try session.run([network.input: none], fetch: [network.output])[network.output]
    #expect(empty?.shape == [0, 17])
  }

  @Test func `a fed intermediate value replaces what computes it`() throws {
    let network = Network()
    let ones = Tensor([Float](repeating: 1, count: 17 * 4), shape: [1, 17, 2, 2])
    let results = try Session(graph: network.graph).run(
      [network.convolution: ones], fetch: [network.output])
    #expect(try Self.floats(results[network.output]) == [Float](repeating: 2, count: 17))
  }

  @Test func `observed values stand in row-major order and are those fetched`() throws {
    let network = Network()
    let session = try Session(graph: network.graph)
    let feed = [network.input: Self.image(3)]
    let observed = [network.convolution, network.pooled]
    let fetched = try session.run(feed, fetch: observed)
    var seen: [ValueID: Tensor] = [:]
    try session.run(feed, observe: observed) { value, elements, shape in
      seen[value] = Tensor(Array(elements), shape: shape)
    }
    #expect(seen == fetched)
  }

  @Test func `a run does not write to what was fed`() throws {
    var graph = Graph()
    let x = graph.addInput(name: "x", type: nil)
    let a = graph.addNode(Relu(), name: "a", inputs: [x], output: "a")
    let b = graph.addNode(Relu(), name: "b", inputs: [a], output: "b")
    let tensor = Tensor([-1, 2] as [Float], shape: [2])
    let results = try Session(graph: graph).run([x: tensor], fetch: [b, x])
    #expect(tensor.elements(of: Float.self) == [-1, 2])
    #expect(try Self.floats(results[b]) == [0, 2])
    #expect(results[x] == tensor)
  }

  @Test func `shape arithmetic follows the fed shape`() throws {
    // x.reshape(x.shape[0], -1), as exporters write it.
    var graph = Graph()
    let x = graph.addInput(name: "x", type: TensorType(.float32, [.symbolic("N"), 2, 3]))
    let shape = graph.addNode(ShapeOf(), name: "shape", inputs: [x], output: "shape")
    let zero = graph.addConstant(name: "zero", Tensor([Int64(0)], shape: [1]))
    let first = graph.addNode(Gather(), name: "gather", inputs: [shape, zero], output: "first")
    let rest = graph.addConstant(name: "rest", Tensor([Int64(-1)], shape: [1]))
    let target = graph.addNode(
      Concat(axis: 0), name: "concat", inputs: [first, rest], output: "target")
    let y = graph.addNode(Reshape(), name: "reshape", inputs: [x, target], output: "y")
    graph.addOutput(y)
    let session = try Session(graph: graph)
    for batch in [1, 4, 1] {
      let feed = Tensor([Float](repeating: 1, count: batch * 6), shape: [batch, 2, 3])
      let results = try session.run([x: feed], fetch: [y, target])
      #expect(results[y]?.shape == [batch, 6])
      #expect(results[target]?.elements(of: Int64.self) == [Int64(batch), -1])
    }
  }

  @Test func `what can't run is refused by name`() throws {
    let network = Network()
    let session = try Session(graph: network.graph)
    #expect(throws: ExecutionError.missingInput(name: "input")) {
      try session.run([:], fetch: [network.output])
    }
    let integers = Tensor([Int64](repeating: 0, count: 192), shape: [1, 3, 8, 8])
    #expect(
      throws: ExecutionError.inputType(
        name: "input", expected: TensorType(.float32, [.symbolic("N"), 3, 8, 8]),
        actual: integers.type)
    ) { try session.run([network.input: integers], fetch: [network.output]) }
    let channels = Tensor([Float](repeating: 0, count: 256), shape: [1, 4, 8, 8])
    #expect(
      throws: ExecutionError.node(
        name: "conv", type: "Conv",
        .mismatch(what: "input channels", expected: "3 x group 1", actual: "4"))
    ) { try session.run([network.input: channels], fetch: [network.output]) }

    var graph = Graph()
    let x = graph.addInput(name: "x", type: nil)
    let op = OpaqueOperator(domain: "example.org", type: "Magic", attributes: [])
    let y = graph.addNode(op, name: "wand", inputs: [x], output: "y")
    let error = #expect(throws: ExecutionError.self) {
      try Session(graph: graph).run([x: Tensor(scalar: Float(1))], fetch: [y])
    }
    #expect(
      error?.description
        == "node 'wand' (Magic): operator 'example.org.Magic' is not supported")
  }

  @Test func `a tensor larger than memory is refused`() throws {
    var graph = Graph()
    let x = graph.addInput(name: "x", type: nil)
    let pads = graph.addConstant(name: "p", Tensor([0, Int64(1) << 39], shape: [2]))
    let y = graph.addNode(Pad(), name: "pad", inputs: [x, pads], output: "y")
    #expect(throws: ExecutionError.engine(node: "pad", .memory(bytes: (1 << 39) * 4 + 4))) {
      try Session(graph: graph).run([x: Tensor([Float(1)], shape: [1])], fetch: [y])
    }
  }

  @Test func `an index that is only known at run time is checked`() throws {
    var graph = Graph()
    let x = graph.addInput(name: "x", type: nil)
    let i = graph.addInput(name: "i", type: nil)
    let y = graph.addNode(Gather(), name: "gather", inputs: [x, i], output: "y")
    let data = Tensor([1, 2, 3] as [Float], shape: [3])
    let session = try Session(graph: graph)
    let results = try session.run([x: data, i: Tensor(scalar: Int64(-1))], fetch: [y])
    #expect(try Self.floats(results[y]) == [3])
    #expect(
      throws: ExecutionError.node(
        name: "gather", type: "Gather",
        .outOfRange(what: "index", value: 3, allowed: "-3..<3"))
    ) { try session.run([x: data, i: Tensor(scalar: Int64(3))], fetch: [y]) }
  }
}
