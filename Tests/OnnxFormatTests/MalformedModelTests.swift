import GraphIR
import TensorCore
import TestSupport
import Testing

@testable import OnnxFormat

/// Files that are valid protobuf and no valid model.
@Suite struct MalformedModelTests {
  // MARK: Versions

  @Test(arguments: [nil, 1, 2] as [Int?])
  func `an IR version before 3 is refused`(version: Int?) {
    #expect(ModelBytes(irVersion: version).problem() == .irVersion(version))
  }

  @Test(arguments: [3, 4, 14])
  func `every later IR version is read`(version: Int) {
    #expect(ModelBytes(irVersion: version).problem() == nil)
  }

  @Test(
    arguments: [
      ([], .noStandardOpset),
      ([("custom", 1)], .noStandardOpset),
      ([("", 6)], .opset(domain: "", version: 6)),
      ([("ai.onnx", 6)], .opset(domain: "", version: 6)),
      ([("", 13), ("custom", -1)], .opset(domain: "custom", version: -1)),
      ([("", 13), ("ai.onnx", 12)], .repeatedOpset(domain: "")),
    ] as [([(String, Int)], FormatProblem)])
  func `an opset that can't be used is refused`(
    opsets: [(String, Int)], expected: FormatProblem
  ) {
    var model = ModelBytes()
    model.opsets = opsets.map { (domain: $0.0, version: $0.1) }
    #expect(model.problem() == expected)
  }

  @Test(arguments: [[("", 7)], [("ai.onnx", 22), ("custom", 0)], [("", 13), ("", 13)]])
  func `a supported opset is read`(opsets: [(String, Int)]) {
    var model = ModelBytes()
    model.opsets = opsets.map { (domain: $0.0, version: $0.1) }
    #expect(model.problem() == nil)
  }

  // MARK: Edges

  @Test func `a cycle is refused with the nodes on it`() {
    var model = ModelBytes()
    model.nodes = [
      ModelBytes.node("Add", ["x", "b"], ["a"], name: "first"),
      ModelBytes.node("Relu", ["a"], ["b"], name: "second"),
      ModelBytes.node("Relu", ["b"], ["y"], name: "third"),
    ]
    #expect(model.problem() == .graph(.cycle(nodes: ["first", "second"])))
  }

  @Test func `nodes out of order are sorted`() throws {
    var model = ModelBytes()
    model.nodes = [
      ModelBytes.node("Relu", ["a"], ["y"], name: "second"),
      ModelBytes.node("Mul", ["x", "w"], ["a"], name: "first"),
    ]
    let graph = try model.read().graph
    #expect(try graph.topologicalOrder().map { graph[$0].name } == ["first", "second"])
  }

  @Test func `an input that nothing computes is refused with its node`() {
    var model = ModelBytes()
    model.nodes = [ModelBytes.node("Mul", ["x", "ghost"], ["y"], name: "mul")]
    #expect(model.problem() == .graph(.danglingValue(name: "ghost", consumer: "mul")))
  }

  @Test func `a graph output that nothing computes is refused`() {
    #expect(
      ModelBytes(outputs: ["y", "z"]).problem() == .graph(.danglingValue(name: "z", consumer: nil)))
  }

  @Test func `a value defined twice is refused with both definitions`() {
    func expect(
      _ name: String, _ definitions: [String], sourceLocation: SourceLocation = #_sourceLocation,
      _ change: (inout ModelBytes) -> Void
    ) {
      var model = ModelBytes()
      change(&model)
      #expect(
        model.problem() == .duplicateValue(name: name, definitions: definitions),
        sourceLocation: sourceLocation)
    }
    expect("x", ["a graph input", "another graph input"]) { $0.inputs = ["x", "x"] }
    expect("w", ["an initializer", "another initializer"]) {
      $0.initializers += $0.initializers
    }
    expect("y", ["node 'mul'", "node 'again'"]) {
      $0.nodes.append(ModelBytes.node("Relu", ["x"], ["y"], name: "again"))
    }
    expect("x", ["a graph input", "node 'again'"]) {
      $0.nodes.append(ModelBytes.node("Relu", ["y"], ["x"], name: "again"))
    }
    expect("w", ["an initializer", "node 'again'"]) {
      $0.nodes.append(ModelBytes.node("Relu", ["y"], ["w"], name: "again"))
    }
    expect("a", ["node 'twice'", "node 'twice'"]) {
      $0.nodes.append(ModelBytes.node("Split", ["x"], ["a", "a"], name: "twice"))
    }
  }

  @Test func `a missing name is refused with what lacks it`() {
    #expect(
      ModelBytes(inputs: ["x", ""]).problem()
        == .missingField(owner: "graph input 1", field: "name"))
    #expect(
      ModelBytes(outputs: [""]).problem() == .missingField(owner: "graph output 0", field: "name"))
    var model = ModelBytes()
    model.initializers.append(ModelBytes.tensor("", dims: [], floats: [1]))
    #expect(model.problem() == .missingField(owner: "initializer 1", field: "name"))
    model = ModelBytes()
    model.nodes = [ModelBytes.node("", ["x"], ["y"], name: "n")]
    #expect(model.problem() == .missingField(owner: "node 'n'", field: "op_type"))
  }

  @Test func `nodes without a name, or with one that is taken, get a new one`() throws {
    var model = ModelBytes()
    model.nodes = [
      ModelBytes.node("Relu", ["x"], ["a"]),
      ModelBytes.node("Relu", ["a"], ["b"], name: "twice"),
      ModelBytes.node("Relu", ["b"], ["c"], name: "twice"),
      ModelBytes.node("Relu", ["c"], ["y"], name: "twice_1"),
    ]
    let graph = try model.read().graph
    #expect(graph.nodeIDs.map { graph[$0].name } == ["Relu_0", "twice", "twice_2", "twice_1"])
  }

  // MARK: Attributes

  static func attribute(_ build: (inout WireMessage) -> Void) -> FormatProblem? {
    var model = ModelBytes()
    model.nodes = [
      ModelBytes.node("Mul", ["x", "w"], ["y"], name: "mul", attributes: [WireMessage(build)])
    ]
    return model.problem()
  }

  @Test func `an attribute whose content is not of its type is refused with its node`() {
    // Declared as an integer, holding floats.
    #expect(
      Self.attribute {
        $0.string(1, "axis")
        $0.int(20, 2)
        $0.float(7, 1)
      }
        == .attribute(
          node: "mul", name: "axis", .contentOfOtherType(declared: "int", found: "floats")))
    #expect(
      Self.attribute {
        $0.string(1, "value")
        $0.int(20, 4)
      } == .attribute(node: "mul", name: "value", .noContent(type: "tensor")))
    #expect(
      Self.attribute {
        $0.string(1, "value")
        $0.int(20, 99)
      } == .attribute(node: "mul", name: "value", .unknownType(99)))
    #expect(
      Self.attribute {
        $0.string(1, "value")
        $0.string(21, "alpha")
      } == .attribute(node: "mul", name: "value", .reference(to: "alpha")))
    #expect(
      Self.attribute { $0.int(3, 1) }
        == .missingField(owner: "node 'mul': attribute 0", field: "name"))
  }

  @Test func `an attribute given twice is refused`() {
    var model = ModelBytes()
    let attribute = WireMessage {
      $0.string(1, "axis")
      $0.int(3, 1)
    }
    model.nodes = [
      ModelBytes.node(
        "Mul", ["x", "w"], ["y"], name: "mul", attributes: [attribute, attribute])
    ]
    #expect(model.problem() == .attribute(node: "mul", name: "axis", .repeated))
  }

  @Test func `the kind of an attribute without a type is told from its content`() throws {
    var model = ModelBytes()
    model.nodes = [
      ModelBytes.node(
        "Mul", ["x", "w"], ["y"], name: "mul",
        attributes: [
          WireMessage {
            $0.string(1, "alpha")
            $0.float(2, 0.5)
          },
          WireMessage { $0.string(1, "none") },
          // proto3 writers leave a zero out.
          WireMessage {
            $0.string(1, "zero")
            $0.int(20, 2)
          },
        ])
    ]
    let graph = try model.read().graph
    #expect(
      graph[graph.nodeIDs[0]].op.writtenAttributes == [
        Attribute("alpha", .float(0.5)), Attribute("none", .ints([])),
        Attribute("zero", .int(0)),
      ])
  }

  @Test func `an operator that refuses its attributes is named with its node`() {
    struct Refusing: OperatorResolver {
      func makeOperator(domain: String, type: String, attributes: AttributeReader)
        throws(OperatorError) -> any Operator
      { throw .missingAttribute(name: "axis") }
    }
    #expect(
      throws: FormatError(
        file: "m", .graph(.node(name: "mul", type: "Mul", .missingAttribute(name: "axis"))))
    ) { try OnnxReader.read(bytes: ModelBytes().bytes, name: "m", resolver: Refusing()) }
  }
}
