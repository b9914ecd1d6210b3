import GraphIR
import Operators
import Passes
import TensorCore
import Testing

/// Shapes that follow from sizes of which some are known by a symbol alone.
@Suite struct SymbolicShapeTests {
  private var graph = Graph()

  private mutating func input(_ name: String, _ dimensions: [Dimension]) -> ValueID {
    graph.addInput(name: name, type: TensorType(.float32, dimensions))
  }

  private mutating func vector(_ values: Int64...) -> ValueID {
    graph.addConstant(name: "c", Tensor(values, shape: [values.count]))
  }

  private mutating func node(_ op: any Operator, _ inputs: ValueID...) -> ValueID {
    graph.addNode(op, name: op.type, inputs: inputs, output: "\(op.type)\(graph.valueIDs.count)")
  }

  /// The size of an axis as a vector: the scalar of a Gather, unsqueezed.
  private mutating func size(of value: ValueID, _ axis: Int64) -> ValueID {
    let index = graph.addConstant(name: "i", Tensor(scalar: axis))
    let scalar = node(Gather(), node(ShapeOf(), value), index)
    return node(Unsqueeze(axes: .attribute([0])), scalar)
  }

  private mutating func join(_ parts: ValueID...) -> ValueID {
    graph.addNode(
      Concat(axis: 0), name: "concat", inputs: parts, output: "concat\(graph.valueIDs.count)")
  }

  /// The dimensions of a value after the pass, which must have nothing left to do.
  private mutating func inferred(_ value: ValueID) throws -> [Dimension]? {
    graph.addOutput(value)
    _ = try ShapeInference().run(&graph)
    #expect(try ShapeInference().run(&graph).isEmpty)
    return graph[value].type?.dimensions
  }

  private static let x: [Dimension] = [.symbolic("b"), .symbolic("t"), 48]

  @Test func `a rest is solved where the symbols of both sides match`() throws {
    var test = Self()
    let x = test.input("x", Self.x)
    let target = test.join(test.size(of: x, 0), test.vector(-1, 3, 16))
    #expect(
      try test.inferred(test.node(Reshape(), x, target)) == [.symbolic("b"), .symbolic("t"), 3, 16])

    var last = Self()
    let y = last.input("x", Self.x)
    let heads = last.join(last.size(of: y, 0), last.size(of: y, 1), last.vector(3, -1))
    #expect(
      try last.inferred(last.node(Reshape(), y, heads)) == [.symbolic("b"), .symbolic("t"), 3, 16])
  }

  @Test func `a rest beside symbols that don't match is open, and all else is known`() throws {
    var test = Self()
    let x = test.input("x", Self.x)
    let z = test.input("z", [.symbolic("n"), 2])
    let target = test.join(test.size(of: z, 0), test.vector(-1, 3, 16))
    #expect(
      try test.inferred(test.node(Reshape(), x, target)) == [.symbolic("n"), .unknown, 3, 16])
  }

  @Test func `an unknown size that is copied cancels`() throws {
    var test = Self()
    let x = test.input("x", [.unknown, .symbolic("t"), 48])
    #expect(
      try test.inferred(test.node(Reshape(), x, test.vector(0, -1, 3, 16)))
        == [.unknown, .symbolic("t"), 3, 16])
  }

  @Test func `an element that depends on data is what the others leave`() throws {
    var test = Self()
    let x = test.input("x", Self.x)
    let count = test.graph.addInput(name: "n", type: TensorType(.int64, shape: [1]))
    let target = test.join(test.size(of: x, 0), count, test.vector(3, 16))
    #expect(
      try test.inferred(test.node(Reshape(), x, target)) == [.symbolic("b"), .symbolic("t"), 3, 16])

    var two = Self()
    let y = two.input("x", Self.x)
    let open = two.graph.addInput(name: "n", type: TensorType(.int64, shape: [2]))
    let both = two.join(open, two.vector(3, 16))
    #expect(try two.inferred(two.node(Reshape(), y, both)) == [.unknown, .unknown, 3, 16])
  }

  @Test func `the size of a head follows from the width by arithmetic`() throws {
    var test = Self()
    let x = test.input("x", Self.x)
    let shape = test.node(ShapeOf(), x)
    let width = test.node(Slice(), shape, test.vector(2), test.vector(Int64.max))
    let size = test.node(Cast(to: .int64), test.node(Div(), width, test.vector(3)))
    let batch = test.node(Mul(), test.size(of: x, 0), test.vector(1))
    let rows = test.node(Add(), test.vector(0), test.node(Identity(), test.size(of: x, 1)))
    let heads = test.node(Sub(), test.vector(5), test.vector(2))
    let target = test.join(batch, rows, heads, size)
    #expect(
      try test.inferred(test.node(Reshape(), x, target)) == [.symbolic("b"), .symbolic("t"), 3, 16])
  }

  @Test func `a symbol plus a number is open, and doesn't count as the symbol`() throws {
    var test = Self()
    let x = test.input("x", Self.x)
    let more = test.node(Add(), test.size(of: x, 1), test.vector(1))
    let target = test.join(test.size(of: x, 0), more, test.vector(-1, 16))
    #expect(
      try test.inferred(test.node(Reshape(), x, target)) == [
        .symbolic("b"), .unknown, .unknown, 16,
      ])
  }

  @Test func `Expand repeats to sizes of which -1 was replaced by 1`() throws {
    var test = Self()
    let x = test.input("x", [.symbolic("b"), 1, .symbolic("t"), 16])
    let asked = test.join(test.size(of: x, 0), test.vector(4, -1, -1))
    let one = Tensor([Int64(1)], shape: [1])
    let ones = test.node(ConstantOfShape(value: one), test.node(ShapeOf(), asked))
    let minus = test.node(Mul(), ones, test.vector(-1))
    let target = test.node(Where(), test.node(Equal(), asked, minus), ones, asked)
    #expect(
      try test.inferred(test.node(Expand(), x, target))
        == [.symbolic("b"), 4, .symbolic("t"), 16])
  }

  @Test func `Tile, ConstantOfShape and Slice keep what sizes tell`() throws {
    var test = Self()
    let x = test.input("x", Self.x)
    let repeats = test.join(test.size(of: x, 0), test.vector(1, 2))
    #expect(try test.inferred(test.node(Tile(), x, repeats)) == [.unknown, .symbolic("t"), 96])

    var filled = Self()
    let y = filled.input("x", Self.x)
    #expect(
      try filled.inferred(filled.node(ConstantOfShape(), filled.node(ShapeOf(), y))) == Self.x)

    var cut = Self()
    let z = cut.input("x", Self.x)
    let end = cut.graph.addInput(name: "n", type: TensorType(.int64, shape: [1]))
    let rows = cut.node(Slice(), z, cut.vector(0), end, cut.vector(1))
    #expect(try cut.inferred(rows) == [.symbolic("b"), .unknown, 48])
  }

  @Test func `negative and impossible targets are refused, and symbols alone refute nothing`()
    throws
  {
    var negative = Self()
    let x = negative.input("x", Self.x)
    let target = negative.join(negative.size(of: x, 0), negative.vector(-2, 16))
    let y = negative.node(Reshape(), x, target)
    #expect(throws: PassError.self) { try negative.inferred(y) }

    var odd = Self()
    let z = odd.input("x", Self.x)
    let fives = odd.join(odd.size(of: z, 0), odd.size(of: z, 1), odd.vector(5, -1))
    #expect(
      try odd.inferred(odd.node(Reshape(), z, fives))
        == [.symbolic("b"), .symbolic("t"), 5, .unknown])
  }
}
