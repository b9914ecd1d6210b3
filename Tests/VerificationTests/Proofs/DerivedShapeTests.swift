import GraphIR
import TensorCore
import TestSupport
import Testing

@testable import Verification

/// What is derived of shapes and vectors where part of the inputs is known: all that follows, and nothing else.
@Suite struct DerivedShapeTests {
  /// An input of one node.
  enum Input: Sendable {
    case shape([Int?], ElementType = .float32)
    /// A vector of int64 that a model computes, with `nil` for elements that aren't known.
    case vector([Int?])
    case constant([Int], [Int])
    case unranked
  }

  struct Case: Sendable, CustomTestStringConvertible {
    var type: String
    var inputs: [Input?]
    var attributes: [Attribute] = []
    var domain = ""
    var outputs = 1
    /// The expected shapes of the outputs; `nil` where none follows.
    var shapes: [[Int?]?]
    /// The expected elements of the first output, where they are looked at.
    var vector: [Int?]?
    var looksAtVector = false

    init(
      _ type: String, _ inputs: [Input?], with attributes: [Attribute] = [], domain: String = "",
      _ shapes: [Int?]?...
    ) {
      (self.type, self.inputs, self.attributes, self.domain) = (type, inputs, attributes, domain)
      self.shapes = shapes
      outputs = shapes.count
    }

    /// A case about the elements of the first output.
    static func vector(
      _ type: String, _ inputs: [Input?], with attributes: [Attribute] = [], _ vector: [Int?]?
    ) -> Case {
      var result = Case(type, inputs, with: attributes)
      (result.vector, result.looksAtVector, result.outputs) = (vector, true, 1)
      return result
    }

    var testDescription: String { "\(type) \(inputs) \(attributes.map(\.name))" }
  }

  private static func int(_ name: String, _ value: Int) -> Attribute {
    Attribute(name, .int(Int64(value)))
  }

  private static func ints(_ name: String, _ values: [Int]) -> Attribute {
    Attribute(name, .ints(values.map { Int64($0) }))
  }

  static let dotProducts = [
    Case(
      "QGemm",
      [
        .shape([2, 3], .uint8), .shape([]), .shape([], .uint8), .shape([3, 4], .int8), .shape([]),
        .shape([], .int8),
      ], domain: "com.microsoft", [2, 4]),
    Case(
      "QLinearMatMul",
      [
        .shape([2, 3], .uint8), .shape([]), .shape([], .uint8), .shape([3, 4], .int8), .shape([]),
        .shape([], .int8), .shape([]), .shape([], .int8),
      ], [2, 4]),
    Case("Gemm", [.shape([nil, 3]), .shape([3, 4])], [nil, 4]),
    Case("MatMul", [.shape([5, nil, 3]), .shape([3, 4])], [5, nil, 4]),
    Case("MatMulInteger", [.shape([2, 3], .uint8), .shape([3, 4], .int8)], [2, 4]),
    Case("Conv", [.shape([nil, 4, 5, 5]), .shape([6, 4, 3, 3])], [nil, 6, nil, nil]),
    Case("ConvInteger", [.shape([1, 4, 5], .uint8), .shape([6, 4, 3], .int8)], [1, 6, nil]),
    Case(
      "ConvTranspose", [.shape([1, 4, 5]), .shape([4, 3, 2])], with: [int("group", 2)], [1, 6, nil]),
    Case(
      "ConvTranspose", [.shape([1, 4, 5]), .shape([4, Int.max, 2])], with: [int("group", 2)],
      [1, nil, nil]),
  ]

  static let elementwise = [
    Case("Add", [.shape([nil, 3]), .shape([1, 1])], [nil, 3]),
    Case("Add", [.shape([nil, 3]), .shape([4, 3])], [4, 3]),
    Case("Add", [.shape([nil]), .shape([nil])], [nil]),
    Case("Add", [.shape([2, 3]), .shape([2, 4])], nil),
    Case("Add", [.shape([2, 3]), .unranked], nil),
    Case("Max", [.shape([3]), .shape([2, 1]), .shape([7, 1, 1])], [7, 2, 3]),
    Case("Relu", [.shape([nil, 3])], [nil, 3]),
    Case("QuantizeLinear", [.shape([nil, 3]), .shape([])], [nil, 3]),
    Case("ReduceSum", [.shape([2, 3])], [1, 1]),
    Case("ReduceSum", [.shape([2, 3])], with: [int("keepdims", 0)], []),
    Case("ReduceSum", [.shape([2, 3])], with: [int("noop_with_empty_axes", 1)], [2, 3]),
    Case(
      "ReduceSum", [.shape([2, 3]), .vector([])], with: [int("noop_with_empty_axes", 0)], [1, 1]),
    Case("ReduceSum", [.shape([2, 3]), .vector([nil])], nil),
    Case("ReduceSum", [.shape([2, nil]), .vector([1])], [2, 1]),
    Case("ReduceMax", [.shape([2, 3])], with: [ints("axes", [2])], nil),
    Case("GlobalMaxPool", [.shape([nil, 3, 4, nil])], [nil, 3, 1, 1]),
    Case("GlobalAveragePool", [.shape([3])], nil),
    Case(
      "MaxPool", [.shape([1, 3, 4, 4])], with: [ints("kernel_shape", [2, 2])], [1, 3, nil, nil]),
    Case("Resize", [.shape([1, 3, 4, 4])], [nil, nil, nil, nil]),
    Case("Upsample", [.shape([1, 3])], [nil, nil]),
  ]

  static let movement = [
    Case("Transpose", [.shape([2, nil, 4])], [4, nil, 2]),
    Case("Transpose", [.shape([2, nil, 4])], with: [ints("perm", [1, 0, 2])], [nil, 2, 4]),
    Case("Transpose", [.shape([2, 3])], with: [ints("perm", [0, 0])], nil),
    Case("Reshape", [.shape([2, 3]), .vector([nil, 2])], [nil, 2]),
    Case("Reshape", [.shape([2, 3]), .vector([nil, -1])], [nil, nil]),
    Case("Reshape", [.shape([2, 6]), .vector([3, -1])], [3, 4]),
    Case("Reshape", [.shape([nil, 6]), .vector([0, -1])], [nil, 6]),
    Case("Reshape", [.shape([nil, 6]), .vector([-1, 3])], [nil, 3]),
    Case("Reshape", [.shape([nil, 6]), .vector([0, 2, -1])], [nil, 2, 3]),
    Case("Reshape", [.shape([2, nil, 4]), .vector([0, 0, -1])], [2, nil, 4]),
    Case("Reshape", [.shape([2, nil]), .vector([0, 0, -1])], [2, nil, 1]),
    Case("Reshape", [.unranked, .vector([0, 5])], [nil, 5]),
    Case("Reshape", [.unranked, .vector([-1, 5])], [nil, 5]),
    Case("Reshape", [.shape([2]), .vector([0, 0])], nil),
    Case("Reshape", [.shape([4]), .vector([-1, -1])], nil),
    Case("Reshape", [.shape([4]), .vector([-2, 2])], nil),
    Case("Reshape", [.shape([5]), .vector([2, -1])], [2, nil]),
    Case(
      "Reshape", [.shape([2, 6]), .vector([3, -1])], with: [int("allowzero", 1)], [3, 4]),
    Case("Reshape", [.shape([0, 5]), .vector([0, -1])], with: [int("allowzero", 1)], [0, nil]),
    Case("Reshape", [.shape([2, 3]), .shape([2], .int64)], nil),
    Case("Flatten", [.shape([2, 3, nil])], [2, nil]),
    Case("Flatten", [.shape([2, 3, 4])], with: [int("axis", -1)], [6, 4]),
    Case("Flatten", [.shape([nil, 3, 4])], with: [int("axis", 1)], [nil, 12]),
    Case("Squeeze", [.shape([1, 2, 1])], [2]),
    Case("Squeeze", [.shape([1, nil])], nil),
    Case("Squeeze", [.shape([1, nil]), .vector([0])], [nil]),
    Case("Squeeze", [.shape([1, 2]), .vector([nil])], nil),
    Case("Squeeze", [.shape([1, 2]), .vector([5])], nil),
    Case("Unsqueeze", [.shape([2, 3]), .vector([0, 3])], [1, 2, 3, 1]),
    Case("Unsqueeze", [.shape([2, 3]), .vector([0, 0])], nil),
    Case("Unsqueeze", [.shape([2, 3]), .vector([nil])], nil),
    Case("Concat", [.shape([nil, 2]), .shape([3, nil])], with: [int("axis", 0)], [nil, 2]),
    Case("Concat", [.shape([3, nil]), .shape([nil, 2])], with: [int("axis", 0)], [nil, 2]),
    Case("Concat", [.shape([3, nil]), .shape([4, 2])], with: [int("axis", 0)], [7, 2]),
    Case("Concat", [.shape([Int.max]), .shape([1])], with: [int("axis", 0)], [nil]),
    Case("Split", [.shape([5, 2])], [3, 2], [2, 2]),
    Case("Split", [.shape([5, 2]), .vector([1, 4])], [1, 2], [4, 2]),
    Case("Split", [.shape([5, 2]), .vector([nil, 4])], [nil, 2], [nil, 2]),
    Case("Split", [.shape([2, 5])], with: [int("axis", 1)], [2, 2], [2, 2], [2, 1]),
    Case("Split", [.shape([nil, 2])], [nil, 2], [nil, 2]),
    Case("Slice", [.shape([9, nil]), .vector([1]), .vector([4])], [3, nil]),
    Case("Slice", [.shape([9, 8]), .vector([nil]), .vector([4])], [nil, 8]),
    Case("Slice", [.shape([9, 8]), .shape([1], .int64), .vector([4])], [nil, 8]),
    Case("Slice", [.shape([9, 8]), .shape([nil], .int64), .vector([4])], [nil, nil]),
    Case("Slice", [.shape([9, 8, 7]), .vector([nil]), .vector([4]), .vector([-2])], [9, nil, 7]),
    Case("Slice", [.shape([9, 8]), .vector([nil]), .vector([4]), .vector([2])], [nil, nil]),
    Case("Slice", [.shape([9, 8]), .vector([1]), .vector([4]), .vector([nil])], [nil, nil]),
    Case(
      "Slice", [.shape([9, 8]), .vector([1]), .vector([4]), .vector([1]), .vector([nil])],
      [9, nil]),
    Case("Slice", [.shape([9, 8]), .vector([1]), .vector([4]), .vector([1])], [9, 3]),
    Case(
      "Slice", [.shape([9, 8]), .vector([7]), .vector([0]), .vector([1]), .vector([-3])],
      [9, 3]),
    Case(
      "Slice", [.shape([9, 8]), .vector([-20]), .vector([-21]), .vector([1]), .vector([-1])],
      [9, nil]),
    Case(
      "Gather", [.shape([5, nil, 7]), .shape([2, 3], .int64)], with: [int("axis", 1)], [5, 2, 3, 7]),
    Case(
      "Slice", [.shape([9, 8])],
      with: [ints("starts", [0]), ints("ends", [3]), ints("axes", [1])], [9, 3]),
    Case(
      "Slice", [.shape([9, 8])],
      with: [ints("starts", [1]), ints("ends", [3]), ints("axes", [0])], [2, 8]),
    Case("GatherElements", [.shape([5, 4]), .shape([2, 3], .int64)], [2, 3]),
    Case("Expand", [.shape([3, 1]), .vector([2, 1, 4])], [2, 3, 4]),
    Case("Expand", [.shape([3, 1]), .vector([-1, nil])], [3, nil]),
    Case("Expand", [.shape([1]), .vector([-1])], [nil]),
    Case("ConstantOfShape", [.vector([2, nil, -1])], [2, nil, nil]),
    Case("Pad", [.shape([2, nil]), .vector([1, 2, 3, 4])], [6, nil]),
    Case("Pad", [.shape([2, 3]), .vector([1, nil, 3, 4])], [nil, nil]),
    Case("Pad", [.shape([2, 3]), .vector([1, 1]), nil, .vector([0])], nil),
    Case("Pad", [.shape([Int.max]), .vector([1, 0])], [nil]),
    Case("Shape", [.shape([2, nil, 4])], [3]),
    Case("Size", [.shape([2, 3])], []),
  ]

  static let parameters: [Case] = {
    func scalar() -> Input { .constant([1], []) }
    let wide = Input.constant([1, 1, 1], [1, 3])
    let flags = [int("signed", 1), int("narrow", 0)]
    let domain = "qonnx.custom_op.general"
    return [
      Case(
        "Quant", [.shape([2, 1]), wide, scalar(), scalar()], with: flags, domain: domain, [2, 3]),
      Case(
        "Quant", [.shape([2, 1]), scalar(), wide, scalar()], with: flags, domain: domain, [2, 3]),
      Case("BipolarQuant", [.shape([2, 1]), wide], domain: domain, [2, 3]),
      Case(
        "Trunc", [.shape([2, 1]), wide, scalar(), scalar(), scalar(), scalar()], with: flags,
        domain: domain, [2, 3]),
    ]
  }()

  static let vectors: [Case] = [
    .vector("Shape", [.shape([2, nil, 4])], [2, nil, 4]),
    .vector("Shape", [.shape([2, nil, 4])], with: [int("start", -2)], [nil, 4]),
    .vector("Shape", [.shape([2, nil, 4])], with: [int("start", 1), int("end", 2)], [nil]),
    .vector("Shape", [.unranked], nil),
    .vector("Gather", [.vector([2, 3, nil]), .constant([-3, 1], [2])], [2, 3]),
    .vector("Gather", [.vector([2, 3]), .constant([2], [1])], nil),
    .vector("Gather", [.constant([2, 3, 4, 5], [2, 2]), .constant([1], [])], nil),
    .vector("Reshape", [.vector([2, 3, 4, 5]), .constant([2, 2], [2])], nil),
    .vector("Reshape", [.vector([2, nil]), .constant([-1], [1])], [2, nil]),
    .vector("Slice", [.vector([2, nil, 4]), .vector([-2]), .vector([9])], [nil, 4]),
    .vector(
      "Slice",
      [.vector([2, nil, 4]), .vector([2]), .vector([-9]), .vector([0]), .vector([-1])],
      [4, nil, 2]),
    .vector(
      "Slice", [.vector([2, 3]), .vector([-9]), .vector([-8]), .vector([0]), .vector([-1])], nil),
    .vector("Concat", [.vector([2]), .vector([nil, 3])], with: [int("axis", 0)], [2, nil, 3]),
    .vector("Cast", [.vector([2, nil])], with: [int("to", 7)], [2, nil]),
    .vector("Cast", [.vector([2, nil, 1 << 31])], with: [int("to", 6)], [2, nil, nil]),
    .vector("Cast", [.vector([1 << 24, 1 << 24 + 1])], with: [int("to", 1)], [1 << 24, nil]),
    .vector("Cast", [.vector([2])], with: [int("to", 3)], nil),
    .vector("Add", [.vector([2, nil]), .vector([3])], [5, nil]),
    .vector("Sub", [.vector([2, 7]), .vector([3])], [-1, 4]),
    .vector("Mul", [.vector([4, 7]), .vector([3])], [12, 21]),
    .vector("Div", [.vector([-7, 7]), .vector([3])], [-2, 2]),
    .vector("Add", [.vector([Int.max, 1]), .vector([1])], [nil, 2]),
    .vector("Add", [.vector([1, 2]), .vector([1, 2, 3])], nil),
    .vector("Add", [.vector([]), .vector([1])], []),
    .vector("Concat", [.vector([2]), .shape([2], .int64)], with: [int("axis", 0)], [2, nil, nil]),
    .vector("Concat", [.vector([2]), .shape([nil], .int64)], with: [int("axis", 0)], nil),
    .vector(
      "ConstantOfShape", [.vector([2])],
      with: [Attribute("value", .tensor(Tensor([Int64(-3)], shape: [1])))], [-3, -3]),
    .vector(
      "ConstantOfShape", [.vector([nil])],
      with: [Attribute("value", .tensor(Tensor([Int64(-3)], shape: [1])))], nil),
    .vector("ConstantOfShape", [.vector([2])], nil),
    .vector("Expand", [.vector([7]), .vector([3])], [7, 7, 7]),
    .vector("Expand", [.vector([7, nil]), .vector([1])], [7, nil]),
    .vector("Expand", [.vector([7]), .vector([-1])], nil),
    .vector("Expand", [.vector([7]), .vector([nil])], nil),
    .vector("Equal", [.vector([2, nil, 3]), .vector([2])], [1, nil, 0]),
    .vector("Where", [.constant([1, 0], [2]), .vector([nil, 4]), .vector([5])], [nil, 5]),
    .vector("Where", [.vector([nil, nil]), .vector([5, 6]), .vector([5, 7])], [5, nil]),
    .vector("Relu", [.vector([1])], nil),
  ]

  @Test(arguments: dotProducts + elementwise + movement + parameters + vectors)
  func `all that follows is derived, and nothing else`(_ example: Case) throws {
    var graph = Graph(name: "shapes")
    var vectors: [(ValueID, [Int?])] = []
    let ids = example.inputs.map { input -> ValueID? in
      switch input {
      case nil: return nil
      case .shape(let sizes, let type):
        return graph.addInput(
          name: "x", type: TensorType(type, sizes.map { $0.map { .fixed($0) } ?? .unknown }))
      case .unranked: return graph.addInput(name: "x", type: TensorType(.float32, nil))
      case .constant(let values, let shape):
        let tensor =
          example.domain.isEmpty
          ? Tensor(values.map { Int64($0) }, shape: shape)
          : Tensor(values.map { Float($0) }, shape: shape)
        return graph.addConstant(name: "c", tensor)
      case .vector(let elements):
        let id = graph.addInput(name: "v", type: TensorType(.int64, shape: [elements.count]))
        vectors.append((id, elements))
        return id
      }
    }
    let outputs = (0..<example.outputs).map { graph.addValue(name: "y\($0)") }
    let node = graph.addNode(
      OpaqueOperator(domain: example.domain, type: example.type, attributes: example.attributes),
      name: "node", inputs: ids, outputs: outputs)
    var model = Model(graph: graph, irVersion: 10, opsets: [OpsetImport(domain: "", version: 18)])
    if !example.domain.isEmpty { model.importDomain(example.domain, version: 2) }
    guard case .known(let definition) = OperatorTable.entry(for: graph[node], in: model) else {
      Issue.record("not known")
      return
    }
    let table = FactTable(graph: graph)
    for (id, elements) in vectors {
      table.set(
        id, type: .int64, shape: [.known(elements.count)], vector: elements.map { Size($0) })
    }
    FactAnalysis.apply(
      definition, NodeContext(graph: graph, node: graph[node], opset: 18, facts: table), to: table)
    for (output, shape) in zip(outputs, example.shapes) {
      #expect(table.shape(of: output)?.map(\.known) == shape)
    }
    if example.looksAtVector {
      #expect(table.vector(of: outputs[0])?.map(\.known) == example.vector)
    }
  }
}
