import GraphIR
import Operators
import Passes
import TensorCore
import Testing

/// What operators are written as in later opsets, against the standard's definition of each version.
@Suite(.enabled(if: OperatorVersion.history != nil, "skipped: the peers' Python has no onnx"))
struct OperatorHistoryTests {
  /// How much of what a version allows a node has.
  enum Extent: CaseIterable { case required, all }

  static let types = Catalogue.operators.filter { $0.schema.domain.isEmpty }.map {
    Named(type: $0.schema.type, since: $0.schema.sinceVersion)
  }

  struct Named: Sendable, CustomTestStringConvertible {
    var type: String
    var since: Int
    var testDescription: String { type }
  }

  @Test(arguments: types)
  func `an operator of each version can be written as each later one`(_ named: Named) throws {
    let history = try #require(OperatorVersion.history).filter { $0.type == named.type }
    let newest = try #require(OperatorVersion.history).map(\.version).max() ?? 0
    // Later than what the peers' onnx knows.
    guard named.since <= newest else { return }
    #expect(!history.isEmpty)
    let later = history.map(\.version).filter { $0 > named.since }
    for from in Set(later + [named.since]).sorted() {
      let old = try #require(
        history.filter { $0.version <= from }.max { $0.version < $1.version })
      guard !old.isDeprecated else { continue }
      for to in Set(later + [newest]).sorted() where to > from {
        for extent in Extent.allCases {
          var graph = try Self.graph(of: old, opset: from, extent)
          _ = try OpsetRaise(from: from, to: to).run(&graph)
          for id in graph.nodeIDs {
            let problem = try Self.problem(graph[id], opset: to)
            #expect(problem == nil, "\(extent) from \(from) to \(to)")
          }
        }
      }
    }
  }

  /// A graph of one node of a version.
  private static func graph(of version: OperatorVersion, opset: Int, _ extent: Extent) throws
    -> Graph
  {
    var graph = Graph()
    var inputs: [ValueID?] = []
    for (index, input) in version.inputs.enumerated() where input.isRequired || extent == .all {
      let name = "\(input.name)_\(index)"
      inputs.append(
        input.name == "scales"
          ? graph.addConstant(name: name, Tensor([1, 1, 2, 2] as [Float], shape: [4]))
          : graph.addInput(name: name, type: TensorType(.float32, shape: [2, 4, 6, 6])))
    }
    let count = extent == .all ? min(version.maximumOutputs, 2) : max(version.minimumOutputs, 1)
    let outputs = (0..<count).map { graph.addValue(name: "y\($0)") }
    var attributes: [Attribute] = []
    for attribute in version.attributes where attribute.isRequired || extent == .all {
      guard let value = sample(attribute, of: version.type) else { continue }
      attributes.append(Attribute(attribute.name, value))
    }
    // A Constant has one of its attributes.
    if version.type == "Constant" {
      attributes = [Attribute("value", .tensor(Tensor([1 as Float], shape: [1])))]
    }
    let reader = AttributeReader(
      attributes, opset: opset, inputCount: inputs.count, outputCount: count)
    let op = try Catalogue().makeOperator(domain: "", type: version.type, attributes: reader)
    #expect(!op.isOpaque)
    graph.addNode(op, name: "node", inputs: inputs, outputs: outputs)
    graph.addOutput(outputs[0])
    return graph
  }

  /// A value that the operator reads; `nil` for kinds that it needs none of.
  private static func sample(_ attribute: OperatorVersion.Attribute, of type: String)
    -> AttributeValue?
  {
    switch (attribute.name, attribute.kind) {
    case ("pads", _) where type == "Pad": .ints([0, 0, 0, 0, 0, 0, 0, 0])
    case ("pads", _): .ints([0, 0, 0, 0])
    case ("perm", _): .ints([0, 1, 2, 3])
    case ("axes", _), ("starts", _): .ints([0])
    case ("ends", _): .ints([1])
    case ("split", _): .ints([1, 1])
    case ("equation", _): .string("nchw->nhwc")
    case ("direction", _) where type == "BitShift": .string("LEFT")
    case ("time_axis", _): .int(0)
    case (_, "int"): .int(1)
    case (_, "float"): .float(0.5)
    case (_, "ints"): .ints([1, 1])
    case (_, "floats"): .floats([1, 1, 2, 2])
    case (_, "tensor"): .tensor(Tensor([1 as Float], shape: [1]))
    default: nil
    }
  }

  /// What a node has that its operator's version in an opset doesn't allow; `nil` where nothing is wrong.
  private static func problem(_ node: Node, opset: Int) throws -> String? {
    let versions = try #require(OperatorVersion.history).filter {
      $0.type == node.op.type && $0.version <= opset
    }
    guard let version = versions.max(by: { $0.version < $1.version }), !version.isDeprecated else {
      return "no \(node.op.type)"
    }
    let written = node.op.writtenAttributes
    for attribute in written {
      guard
        version.attributes.contains(where: {
          $0.name == attribute.name && $0.kind == attribute.value.kind
        })
      else { return "attribute \(attribute.name) of \(node.op.type)" }
    }
    for attribute in version.attributes where attribute.isRequired {
      guard written.contains(where: { $0.name == attribute.name }) else {
        return "no attribute \(attribute.name) of \(node.op.type)"
      }
    }
    for (index, input) in version.inputs.enumerated() where input.isRequired {
      guard node.inputs.indices.contains(index), node.inputs[index] != nil else {
        return "no input \(input.name) of \(node.op.type)"
      }
    }
    guard node.inputs.count <= version.maximumInputs else { return "inputs of \(node.op.type)" }
    guard node.outputs.count <= version.maximumOutputs else { return "outputs of \(node.op.type)" }
    return nil
  }
}
