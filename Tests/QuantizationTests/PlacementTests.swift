import GraphIR
import Operators
import TensorCore
import Testing

@testable import Quantization

@Suite struct PlacementTests {
  /// One line a group: bits, sign, and `value>consumer` for each edge.
  private func describe(_ graph: Graph, _ recipe: Recipe = Recipe()) throws -> [String] {
    try QuantizerPlacement(graph: graph, recipe: recipe).place().groups.map { group in
      let edges = group.edges.map { "\(graph[$0.value].name)>\(graph[$0.consumer].name)" }
      return "\(group.isSigned ? "i" : "u")\(group.bits) \(edges.joined(separator: " "))"
    }
  }

  @Test func `a residual block shares one signed quantizer between the branches of its addition`()
    throws
  {
    #expect(
      try describe(ModelBuilder.residual()) == [
        "i8 x>stem", "u4 stem_relu.out>a", "u4 a_relu.out>b", "u8 sum_relu.out>flatten",
        "i4 b.out>sum stem_relu.out>sum",
      ])
  }

  @Test
  func `the first and the last layers take the io width, a 32-bit accumulator and plain rounding`()
    throws
  {
    let graph = ModelBuilder.residual()
    let recipe = ConverterTests.recipe { $0.method = .a2qPlus }
    let plan = try QuantizerPlacement(graph: graph, recipe: recipe).place()
    #expect(plan.layers.map(\.layer.name) == ["stem", "a", "b", "head"])
    #expect(plan.layers.map(\.weightBits) == [8, 4, 4, 8])
    #expect(plan.layers.map(\.accumulatorBits) == [32, 16, 16, 32])
    #expect(plan.layers.map(\.method) == [.exact, .a2qPlus, .a2qPlus, .exact])
  }

  @Test func `branches of a concatenation share a quantizer that stands before it`() throws {
    var builder = ModelBuilder()
    let x = builder.input([1, 4, 6, 6])
    let stem = builder.relu(builder.convolution(x, "stem", from: 4, to: 4), "stem_relu")
    let a = builder.convolution(stem, "a", from: 4, to: 4)
    let joined = builder.graph.addNode(
      Concat(axis: 1), name: "concat", inputs: [a, stem], output: "joined")
    let b = builder.relu(builder.convolution(joined, "b", from: 8, to: 4), "b_relu")
    builder.graph.addOutput(builder.convolution(b, "c", from: 4, to: 4))
    #expect(
      try describe(builder.graph) == [
        "i8 x>stem", "u4 stem_relu.out>a", "i4 a.out>concat stem_relu.out>concat",
        "u8 b_relu.out>c",
      ])
  }

  @Test func `a quantizer passes up through max pooling and reshapes to the rectifier`() throws {
    var builder = ModelBuilder()
    let x = builder.input([1, 4, 6, 6])
    let stem = builder.relu(builder.convolution(x, "stem", from: 4, to: 4), "stem_relu")
    let pooled = builder.graph.addNode(
      MaxPool(window: SlidingWindow(kernelShape: [2, 2], strides: [2, 2])), name: "pool",
      inputs: [stem], output: "pooled")
    let flat = builder.flatten(pooled, "flatten")
    builder.graph.addOutput(builder.linear(flat, "head", from: 36, to: 3))
    #expect(try describe(builder.graph) == ["i8 x>stem", "u8 stem_relu.out>pool"])
  }

  @Test func `both sides of an average pooling are quantized at its reader's width`() throws {
    var builder = ModelBuilder()
    let x = builder.input([1, 4, 6, 6])
    let stem = builder.relu(builder.convolution(x, "stem", from: 4, to: 4), "stem_relu")
    let pooled = builder.graph.addNode(
      GlobalAveragePool(), name: "pool", inputs: [stem], output: "pooled")
    let head = builder.linear(builder.flatten(pooled, "flatten"), "head", from: 4, to: 3)
    builder.graph.addOutput(head)
    #expect(
      try describe(builder.graph) == ["i8 x>stem", "u8 pooled>flatten", "u8 stem_relu.out>pool"])
  }

  @Test
  func `a product of two activations has a quantizer for each, unless the recipe leaves it out`()
    throws
  {
    var recipe = Recipe()
    #expect(
      try describe(ModelBuilder.attention(), recipe) == [
        "i8 x>stem", "u4 stem_relu.out>q stem_relu.out>k", "i8 scores.out>head", "i4 q.out>scores",
        "i4 k.out>transpose",
      ])
    recipe.layers = [.init(match: "scores") { $0.quantize = false }]
    let plan = try QuantizerPlacement(graph: ModelBuilder.attention(), recipe: recipe).place()
    #expect(plan.products.isEmpty && plan.excluded == ["scores"])
  }

  @Test func `operands of a product get fewer bits until its sums fit the accumulator`() throws {
    func bits(_ set: (inout Recipe) -> Void) throws -> [Int] {
      var recipe = Recipe()
      (recipe.activationBits, recipe.accumulatorBits) = (8, 12)
      set(&recipe)
      let model = ConverterTests.model(ModelBuilder.attention())
      let plan = try PlacedModel(
        try PreparedModel(model, recipe), recipe, createsBiases: false
      ).placement
      return plan.products[0].groups.map { plan.groups[$0].bits }
    }
    // Six products of two signed operands of a and b bits reach 6 x 2^(a + b - 2).
    #expect(try bits { _ in } == [5, 5])
    #expect(try bits { $0.accumulatorBits = 20 } == [8, 8])
    #expect(try bits { $0.activationProducts = .wide } == [8, 8])
    #expect(try bits { $0.layers = [.init(match: "scores") { $0.activationBits = 7 }] } == [7, 7])
    // Of two products in a register.
    #expect(try bits { $0.tileSize = 2 } == [6, 5])
  }

  @Test func `sums of integers take no quantizer`() throws {
    var builder = ModelBuilder()
    let x = builder.input([1, 4])
    let counts = builder.graph.addInput(name: "counts", type: TensorType(.int64, shape: [1]))
    builder.graph.addOutput(
      builder.graph.addNode(
        Add(), name: "sum", inputs: [counts, counts], output: "total",
        type: TensorType(.int64, shape: [1])))
    builder.graph.addOutput(builder.linear(x, "head", from: 4, to: 3))
    #expect(try describe(builder.graph) == ["i8 x>head"])
  }

  @Test func `the recipe overrides single layers by pattern, the last match winning`() throws {
    var recipe = Recipe()
    recipe.layers = [
      .init(match: "*") { $0.weightBits = 5 },
      .init(match: "a") { ($0.method, $0.accumulatorBits) = (.a2q, 11) },
      .init(match: "b") { $0.quantize = false },
    ]
    let plan = try QuantizerPlacement(graph: ModelBuilder.residual(), recipe: recipe).place()
    #expect(plan.layers.map(\.weightBits) == [5, 5, 5])
    #expect(plan.layers[1].method == .a2q && plan.layers[1].accumulatorBits == 11)
    #expect(plan.excluded == ["b"])
  }

  @Test func `depthwise convolutions take their own method`() throws {
    var builder = ModelBuilder()
    let x = builder.input([1, 4, 6, 6])
    let stem = builder.relu(builder.convolution(x, "stem", from: 4, to: 4), "r1")
    let depthwise = builder.convolution(stem, "dw", from: 4, to: 4, group: 4)
    let point = builder.convolution(builder.relu(depthwise, "r2"), "pw", from: 4, to: 4, size: 1)
    builder.graph.addOutput(builder.convolution(builder.relu(point, "r3"), "c", from: 4, to: 4))
    let recipe = ConverterTests.recipe { $0.method = .a2qPlus }
    let plan = try QuantizerPlacement(graph: builder.graph, recipe: recipe).place()
    #expect(plan.layers.map(\.method) == [.exact, .a2q, .a2qPlus, .exact])
  }

  @Test func `a concatenation chain that doubles its paths is walked in linear time`() throws {
    var builder = ModelBuilder()
    var value = builder.input([1, 1])
    let x = value
    for index in 0..<60 {
      value = builder.graph.addNode(
        Concat(axis: 1), name: "c\(index)", inputs: [value, value], output: "v\(index)")
    }
    let weight = builder.constant("w", shape: [2, 2])
    builder.graph.addOutput(
      builder.graph.addNode(MatMul(), name: "m", inputs: [value, weight], output: "y"))
    let plan = try QuantizerPlacement(graph: builder.graph, recipe: Recipe()).place()
    #expect(plan.groups.count == 1 && plan.groups[0].edges.values == [x])
  }

  @Test(arguments: [
    ("*", "anything", true), ("conv*", "conv1", true), ("conv*", "my_conv1", false),
    ("*/conv?", "a/conv?", true), ("*.1.*", "layer.1.conv", true), ("a*b*c", "aXbYbZc", true),
    ("a*b*c", "aXbYbZ", false), ("", "", true), ("", "a", false),
  ])
  func `patterns match whole names`(pattern: String, name: String, expected: Bool) {
    #expect(NamePattern.matches(pattern, name) == expected)
  }
}
