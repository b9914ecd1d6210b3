import Foundation
import GraphIR
import OnnxFormat
import TensorCore
import TestSupport
import Testing

@testable import Execution
@testable import Operators

/// Every operator of the catalogue against the recorded cases of `fixtures/ops`.
@Suite struct OperatorConformanceTests {
  /// One model with its inputs and outputs.
  struct Case: Sendable, CustomTestStringConvertible {
    var type: String
    var name: String
    var testDescription: String { "\(type)/\(name)" }
    var folder: String { Fixtures.path("ops/\(type)/\(name)") }

    func load() throws -> (graph: Graph, inputs: [ValueID: Tensor], outputs: [Tensor]) {
      let graph = try OnnxReader.read(path: folder + "/model.onnx", resolver: Catalogue()).graph
      var inputs: [ValueID: Tensor] = [:]
      for (index, input) in graph.inputs.enumerated() {
        inputs[input] = try TensorFile.read(path: folder + "/input_\(index).pb")
      }
      let outputs = try graph.outputs.indices.map {
        try TensorFile.read(path: folder + "/output_\($0).pb")
      }
      return (graph, inputs, outputs)
    }
  }

  static let cases: [Case] = Catalogue.operators.flatMap { op in
    let folder = Fixtures.path("ops/\(op.schema.type)")
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.sorted().map { Case(type: op.schema.type, name: $0) }
  }

  /// Operators whose results are those of qonnx to the last bit.
  static let exact: Set<String> = ["Quant", "BipolarQuant", "Trunc"]

  @Test func `every operator has a recorded case`() {
    let recorded = Set(Self.cases.map(\.type))
    for op in Catalogue.operators {
      #expect(recorded.contains(op.schema.type), "no case for \(op.schema.type)")
    }
  }

  @Test(arguments: cases)
  func `the inferred type is that of the output`(_ recorded: Case) throws {
    let (graph, inputs, outputs) = try recorded.load()
    let node = graph[graph.nodeIDs[0]]
    let infos = node.inputs.map { input in
      input.map {
        let constant = graph[$0].constant
        return InputInfo(type: inputs[$0]?.type ?? constant?.type, constant: constant)
      }
    }
    let inferred = try node.op.inferChecked(infos)
    for (index, output) in outputs.enumerated() {
      let type = try #require(inferred[index])
      #expect(type.elementType == output.elementType)
      let shape = try #require(type.shape, "unknown dimensions")
      #expect(shape == output.shape)
    }
  }

  @Test(arguments: cases)
  func `attributes that are written are read back as the same operator`(_ recorded: Case) throws {
    let model = try OnnxReader.read(
      path: recorded.folder + "/model.onnx", resolver: Catalogue())
    let node = model.graph[model.graph.nodeIDs[0]]
    let op = node.op
    let reader = AttributeReader(
      op.writtenAttributes, opset: model.opset(of: op.domain) ?? 0, inputCount: node.inputs.count,
      outputCount: node.outputs.count)
    let again = try Catalogue().makeOperator(domain: op.domain, type: op.type, attributes: reader)
    #expect(again.isEqual(to: op))
  }

  @Test(arguments: cases)
  func `the result is the recorded one, twice`(_ recorded: Case) throws {
    let (graph, inputs, outputs) = try recorded.load()
    let session = try Session(graph: graph)
    let first = try session.run(inputs, fetch: graph.outputs)
    let second = try session.run(inputs, fetch: graph.outputs)
    for (value, expected) in zip(graph.outputs, outputs) {
      let actual = try #require(first[value])
      try Self.compare(actual, expected, exactly: Self.exact.contains(recorded.type))
      #expect(actual == second[value], "two runs differ")
    }
  }

  /// A convolution with the identity puts its input into one of oneDNN's layouts.
  @Test(arguments: cases.filter { $0.hasImageInput })
  func `the result does not depend on the layout of the input`(_ recorded: Case) throws {
    var (graph, inputs, outputs) = try recorded.load()
    let node = graph.nodeIDs[0]
    for (index, input) in graph[node].inputs.enumerated() {
      guard let input, let tensor = inputs[input], tensor.rank == 4,
        tensor.elementType == .float32
      else { continue }
      let channels = tensor.shape[1]
      var identity = [Float](repeating: 0, count: channels * channels)
      for channel in 0..<channels { identity[channel * channels + channel] = 1 }
      let weight = graph.addConstant(
        name: "identity", Tensor(identity, shape: [channels, channels, 1, 1]))
      let copy = graph.addNode(Conv(), name: "copy", inputs: [input, weight], output: "copy")
      graph.setInput(node, index, to: copy)
    }
    let results = try Session(graph: graph).run(inputs, fetch: graph.outputs)
    for (value, expected) in zip(graph.outputs, outputs) {
      try Self.compare(
        try #require(results[value]), expected, exactly: Self.exact.contains(recorded.type))
    }
  }

  @Test(arguments: cases.filter { $0.type != "Constant" })
  func `a constant evaluation is the recorded one`(_ recorded: Case) throws {
    let (graph, inputs, outputs) = try recorded.load()
    let node = graph[graph.nodeIDs[0]]
    let tensors = node.inputs.map { input in
      input.flatMap { inputs[$0] ?? graph[$0].constant }
    }
    let results = try ConstantEvaluator.evaluate(
      node.op, inputs: tensors, outputCount: outputs.count)
    for (actual, expected) in zip(results, outputs) {
      try Self.compare(actual, expected, exactly: Self.exact.contains(recorded.type))
    }
  }

  static func compare(_ actual: Tensor, _ expected: Tensor, exactly: Bool) throws {
    #expect(actual.elementType == expected.elementType)
    #expect(actual.shape == expected.shape)
    guard expected.elementType.isFloatingPoint,
      let a = actual.convertedToFloat()?.elements(of: Float.self),
      let e = expected.convertedToFloat()?.elements(of: Float.self)
    else {
      #expect(actual == expected)
      return
    }
    let scale = exactly ? 0 : e.map(\.magnitude).max() ?? 0
    let error = zip(a, e).map { $0 == $1 ? 0 : ($0 - $1).magnitude }.max() ?? 0
    #expect(error <= 1e-5 * scale, "error \(error) of \(scale)")
  }
}

extension OperatorConformanceTests.Case {
  /// Whether the node reads a fed image of floats.
  var hasImageInput: Bool {
    guard let (_, inputs, _) = try? load() else { return false }
    return inputs.values.contains { $0.rank == 4 && $0.elementType == .float32 && $0.count > 0 }
  }
}
