import GraphIR
import Operators
import TensorCore
import Testing

@testable import Quantization

@Suite struct BoundaryTests {
  /// Names of the first and of the last layers.
  private func ends(_ graph: Graph) throws -> (first: [String], last: [String]) {
    let order = try graph.topologicalOrder()
    let layers = order.compactMap { DotProductLayer($0, in: graph) }
    let boundary = Boundary(layers, in: graph, order: order)
    func names(_ nodes: Set<NodeID>) -> [String] {
      order.filter(nodes.contains).map { graph[$0].name }
    }
    return (names(boundary.first), names(boundary.last))
  }

  /// x -> proj -> two blocks of a residual stream -> head; `enter` changes what each block reads.
  private func stream(
    _ x: ValueID, _ builder: inout ModelBuilder,
    enter: (inout ModelBuilder, ValueID, Int) -> ValueID
  ) {
    var stream = builder.linear(x, "proj", from: 6, to: 6)
    for block in 0..<2 {
      let entered = enter(&builder, stream, block)
      let up = builder.relu(builder.linear(entered, "up\(block)", from: 6, to: 8), "relu\(block)")
      let down = builder.linear(up, "down\(block)", from: 8, to: 6)
      stream = builder.add(stream, down, "sum\(block)")
    }
    builder.graph.addOutput(builder.linear(stream, "head", from: 6, to: 3))
  }

  @Test func `a residual stream carries an input's values to no layer but the first`() throws {
    var builder = ModelBuilder()
    let x = builder.input([.symbolic("n"), 5, 6])
    stream(x, &builder) { _, stream, _ in stream }
    let (first, last) = try ends(builder.graph)
    #expect(first == ["proj"] && last == ["head"])
  }

  @Test func `a mask that is added in each block makes none of its layers a first one`() throws {
    var builder = ModelBuilder()
    let x = builder.input([.symbolic("n"), 5, 6])
    let mask = builder.input([.symbolic("n"), 5, 6], name: "mask")
    stream(x, &builder) { builder, stream, block in builder.add(stream, mask, "masked\(block)") }
    let (first, last) = try ends(builder.graph)
    #expect(first == ["proj"] && last == ["head"])
  }

  @Test func `ids that choose rows of a table make no layer a first one`() throws {
    var builder = ModelBuilder()
    let ids = builder.graph.addInput(
      name: "ids", type: TensorType(.int64, [.symbolic("n"), 5]))
    let table = builder.constant("table", shape: [9, 6])
    let embedded = builder.graph.addNode(
      Gather(axis: 0), name: "embed", inputs: [table, ids], output: "embedded")
    stream(embedded, &builder) { _, stream, _ in stream }
    let (first, last) = try ends(builder.graph)
    #expect(first.isEmpty && last == ["head"])
  }

  @Test func `a normalisation in several operators leads from the input to the first layer`() throws
  {
    var builder = ModelBuilder()
    let x = builder.input([.symbolic("n"), 6])
    let mean = builder.graph.addNode(
      GlobalAveragePool(), name: "mean", inputs: [x], output: "mean.out")
    let centred = builder.graph.addNode(
      Sub(), name: "centre", inputs: [x, mean], output: "centred")
    let hidden = builder.relu(builder.linear(centred, "a", from: 6, to: 6), "r")
    builder.graph.addOutput(builder.linear(hidden, "b", from: 6, to: 6))
    let (first, last) = try ends(builder.graph)
    #expect(first == ["a"] && last == ["b"])
  }

  @Test func `a gate of one layer's output leads to it, a sum of two layers to neither`() throws {
    var builder = ModelBuilder()
    let x = builder.input([.symbolic("n"), 6])
    let stem = builder.relu(builder.linear(x, "stem", from: 6, to: 6), "r")
    let a = builder.linear(stem, "a", from: 6, to: 6)
    let gate = builder.graph.addNode(Sigmoid(), name: "gate", inputs: [a], output: "gate.out")
    builder.graph.addOutput(
      builder.graph.addNode(Mul(), name: "gated", inputs: [a, gate], output: "gated.out"))
    let b = builder.linear(stem, "b", from: 6, to: 6)
    let c = builder.linear(stem, "c", from: 6, to: 6)
    builder.graph.addOutput(builder.add(b, c, "sum"))
    #expect(try ends(builder.graph).last == ["a"])
  }

  @Test func `the recipe names the layers of the io width itself, or has none`() throws {
    let graph = ModelBuilder.residual()
    func exempt(_ layers: Recipe.IOLayers) throws -> [String] {
      var recipe = Recipe()
      recipe.ioLayers = layers
      return try QuantizerPlacement(graph: graph, recipe: recipe).place().layers
        .filter(\.isExempt).map(\.layer.name)
    }
    #expect(try exempt(.automatic) == ["stem", "head"])
    #expect(try exempt(.none) == [])
    #expect(try exempt(.named(["b", "he*"])) == ["b", "head"])
  }
}
