import GraphIR

/// The operators that the verifier knows, by domain.
enum OperatorTable {
  /// What the verifier knows about a node.
  enum Entry {
    case known(OperatorDefinition)
    /// The node may hide dot products, and nothing is known about its results.
    case unknown(Obstacle)
  }

  /// The newest opset of the standard domain for which the table was written.
  static let newestOpset = 25

  static func entry(for node: Node, in model: Model) -> Entry {
    let domain = OpsetImport.canonical(node.op.domain)
    let type = node.op.type
    guard let definition = operators(of: domain)?[type] else {
      let holdsGraph = node.op.writtenAttributes.contains {
        if case .serialized = $0.value { true } else { false }
      }
      return .unknown(
        holdsGraph ? .hiddenNodes(type: type) : .unanalysedOperator(domain: domain, type: type))
    }
    // Some exporters use a domain that they don't import.
    let version = model.opset(of: domain) ?? 1
    if domain.isEmpty, version > newestOpset {
      return .unknown(.unknownVersion(domain: domain, type: type, version: version))
    }
    if let objection = definition.objection(to: node, version: version) {
      return .unknown(objection)
    }
    return .known(definition)
  }

  /// The domains in which exporters write the QONNX quantizers.
  static let quantizerDomains: Set = [
    "qonnx.custom_op.general", "onnx.brevitas", "finn.custom_op.general",
  ]

  private static func operators(of domain: String) -> [String: OperatorDefinition]? {
    if quantizerDomains.contains(domain) { return quantizers }
    switch domain {
    case "": return standard
    case "com.microsoft": return onnxRuntime
    case "qonnx.custom_op.channels_last": return channelsLast
    case "ai.onnx.ml": return machineLearning
    default: return nil
    }
  }

  private static let standard: [String: OperatorDefinition] = [
    standardDotProducts, standardQuantization, standardElementwise, standardArithmetic,
    standardMovement, standardReductions, standardNeighbourhoods, standardGenerators,
    standardSequences,
  ].reduce(into: [:]) { table, part in
    table.merge(part) { _, _ in preconditionFailure("an operator with two definitions") }
  }

  /// Every definition with its domain, for tests of the table.
  static var all: [(domain: String, type: String, definition: OperatorDefinition)] {
    [
      ("", standard), ("qonnx.custom_op.general", quantizers), ("com.microsoft", onnxRuntime),
      ("qonnx.custom_op.channels_last", channelsLast), ("ai.onnx.ml", machineLearning),
    ].flatMap { domain, table in
      table.sorted { $0.key < $1.key }.map { (domain, $0.key, $0.value) }
    }
  }
}
