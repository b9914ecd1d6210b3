import GraphIR
import TestSupport
import Testing

@testable import OnnxFormat

/// Functions that a model brings along.
@Suite struct FunctionTests {
  static func call(_ type: String, _ inputs: [String], _ outputs: [String], name: String)
    -> WireMessage
  {
    WireMessage { node in
      node.raw(ModelBytes.node(type, inputs, outputs, name: name).bytes)
      node.string(7, "local")
    }
  }

  static func function(
    _ name: String, inputs: [String] = ["v"], outputs: [String] = ["r"], nodes: [WireMessage],
    extra: (inout WireMessage) -> Void = { _ in }
  ) -> WireMessage {
    WireMessage { function in
      function.string(1, name)
      for input in inputs { function.string(4, input) }
      for output in outputs { function.string(5, output) }
      for node in nodes { function.message(7, node) }
      function.message(9) { $0.int(2, 13) }
      function.string(10, "local")
      extra(&function)
    }
  }

  static func model(_ nodes: [WireMessage], _ functions: [WireMessage]) -> ModelBytes {
    var model = ModelBytes()
    model.opsets.append(("local", 1))
    model.nodes = nodes
    model.modelExtra = WireMessage { extra in
      for function in functions { extra.message(25, function) }
    }
    return model
  }

  @Test func `two calls become two bodies with names of their own`() throws {
    let twice = Self.function("twice", nodes: [ModelBytes.node("Add", ["v", "v"], ["r"])])
    let model = try Self.model(
      [
        Self.call("twice", ["x"], ["h"], name: "a"), Self.call("twice", ["h"], ["m"], name: "b"),
        ModelBytes.node("Mul", ["m", "w"], ["y"], name: "mul"),
      ], [twice]
    ).read()
    let graph = model.graph
    #expect(graph.nodeIDs.map { graph[$0].op.type }.sorted() == ["Add", "Add", "Mul"])
    #expect(Set(graph.nodeIDs.map { graph[$0].name }).count == 3)
    #expect(model.preserved.functions.isEmpty)
    let y = try #require(graph.producer(of: graph.outputs[0]))
    let second = try #require(y.inputs[0].flatMap { graph.producer(of: $0) })
    let first = try #require(second.inputs[0].flatMap { graph.producer(of: $0) })
    #expect(first.inputs == [graph.inputs[0], graph.inputs[0]])
  }

  @Test func `a body takes the attributes of its call, or the function's own, or none`() throws {
    let reference = WireMessage { attribute in
      attribute.string(1, "alpha")
      attribute.int(20, 1)
      attribute.string(21, "slope")
    }
    let leaky = ModelBytes.node("LeakyRelu", ["v"], ["r"], attributes: [reference])
    let given = WireMessage { node in
      node.raw(Self.call("leaky", ["x"], ["h"], name: "given").bytes)
      node.message(5) { attribute in
        attribute.string(1, "slope")
        attribute.float(2, 0.25)
        attribute.int(20, 1)
      }
    }
    let model = try Self.model(
      [given, Self.call("leaky", ["h"], ["y"], name: "absent")],
      [Self.function("leaky", nodes: [leaky])]
    ).read()
    let attributes = model.graph.nodeIDs.map { model.graph[$0].op.writtenAttributes }
    #expect(attributes == [[Attribute("alpha", .float(0.25))], []])
  }

  @Test func `a function that calls itself is refused`() {
    let model = Self.model(
      [Self.call("f", ["x"], ["y"], name: "call")],
      [
        Self.function("f", nodes: [Self.call("g", ["v"], ["r"], name: "to_g")]),
        Self.function("g", nodes: [Self.call("f", ["v"], ["r"], name: "to_f")]),
      ])
    #expect(model.problem() == .function(name: "f", .recursive))
  }

  @Test func `a function that calls itself in a branch is refused`() {
    let branch = WireMessage { attribute in
      attribute.string(1, "then_branch")
      attribute.message(6) { graph in
        graph.message(1, Self.call("f", ["v"], ["t"], name: "again"))
        graph.string(2, "branch")
        graph.message(12) { $0.string(1, "t") }
      }
      attribute.int(20, 5)
    }
    let node = ModelBytes.node("If", ["v"], ["r"], name: "choice", attributes: [branch])
    let model = Self.model(
      [Self.call("f", ["x"], ["y"], name: "call")], [Self.function("f", nodes: [node])])
    #expect(model.problem() == .function(name: "f", .recursive))
  }

  @Test func `functions that call each other in an endless chain are refused`() {
    let functions = (0..<20_000).map { index in
      let node =
        index == 19_999
        ? ModelBytes.node("Relu", ["v"], ["r"])
        : Self.call("f\(index + 1)", ["v"], ["r"], name: "next")
      return Self.function("f\(index)", nodes: [node])
    }
    let model = Self.model([Self.call("f0", ["x"], ["y"], name: "call")], functions)
    #expect(model.problem() == .function(name: "f100", .tooDeep(limit: 100)))
  }

  @Test func `calls that become too many nodes are refused`() {
    // Each function calls the one before it 32 times: 512 x 32^8 nodes of a file of some kilobytes.
    let chain = (0..<512).map { index in
      ModelBytes.node(
        "Relu", [index == 0 ? "v" : "t\(index - 1)"], [index == 511 ? "r" : "t\(index)"])
    }
    var functions = [Self.function("f0", nodes: chain)]
    for level in 1...8 {
      let calls = (0..<32).map { index in
        Self.call(
          "f\(level - 1)", [index == 0 ? "v" : "t\(index - 1)"], [index == 31 ? "r" : "t\(index)"],
          name: "c\(index)")
      }
      functions.append(Self.function("f\(level)", nodes: calls))
    }
    let model = Self.model([Self.call("f8", ["x"], ["y"], name: "call")], functions)
    guard case .function(_, .tooLarge)? = model.problem() else {
      Issue.record("not refused")
      return
    }
  }

  @Test func `an input that is handed on gets a node of its own`() throws {
    let model = try Self.model(
      [Self.call("same", ["x"], ["y"], name: "call")],
      [Self.function("same", outputs: ["v"], nodes: [])]
    ).read()
    let graph = model.graph
    #expect(graph.nodeIDs.map { graph[$0].op.type } == ["Identity"])
  }
}
