import DNNEngine
import GraphIR
import Quantizers
import TensorCore

/// Why a graph can't be run.
public enum ExecutionError: Error, Sendable, Hashable {
  case graph(GraphError)
  /// A node's operator has no meaning here, or not with these inputs.
  case unsupported(node: String, type: String, what: String)
  /// A node whose output has a shape that only running the graph tells.
  case shapeDependsOnData(node: String, type: String)
  /// The inputs of a node don't fit its operator.
  case node(name: String, type: String, OperatorError)
  case engine(node: String?, EngineError)
  /// Weights or parameters that can't be quantized while a graph is trained.
  case quantizer(node: String, QuantizerError)
  /// A value that the caller must feed is missing.
  case missingInput(name: String)
  /// A fed tensor has another element type or rank than the graph says.
  case inputType(name: String, expected: TensorType, actual: TensorType)
  /// Something to fetch that the graph hasn't got, or that is sparse or of an unknown type.
  case notComputable(name: String)
  /// A value to observe that isn't of 32-bit floats.
  case notFloat(name: String, ElementType)
}

extension ExecutionError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .graph(let error): "\(error)"
    case .unsupported(let node, let type, let what):
      "node '\(node)' (\(type)): \(what) is not supported"
    case .shapeDependsOnData(let node, let type):
      "node '\(node)' (\(type)): an output whose shape depends on data is not supported"
    case .node(let name, let type, let error): "node '\(name)' (\(type)): \(error)"
    case .engine(let node?, let error): "node '\(node)': \(error)"
    case .engine(nil, let error): "\(error)"
    case .quantizer(let node, let error): "node '\(node)': \(error)"
    case .missingInput(let name): "input '\(name)' is not given"
    case .inputType(let name, let expected, let actual):
      "input '\(name)': expected \(expected), found \(actual)"
    case .notComputable(let name): "value '\(name)' can't be computed"
    case .notFloat(let name, let type):
      "value '\(name)' has element type \(type.onnxName), not float"
    }
  }

  /// Whether the values of what is fed might mend it.
  var asksForValues: Bool {
    switch self {
    case .shapeDependsOnData, .node(_, _, .needsConstant): true
    default: false
    }
  }

  /// What went wrong in a step that belongs to no node.
  init(_ error: KernelError, name: String) {
    switch error {
    case .engine(let error): self = .engine(node: nil, error)
    case .operator: self = .notComputable(name: name)
    case .quantizer(let error): self = .quantizer(node: name, error)
    }
  }

  init(_ error: KernelError, _ node: Node) {
    switch error {
    case .engine(let error): self = .engine(node: node.name, error)
    case .quantizer(let error): self = .quantizer(node: node.name, error)
    case .operator(.unsupported(let what)):
      self = .unsupported(node: node.name, type: node.op.type, what: what)
    case .operator(let error): self = .node(name: node.name, type: node.op.type, error)
    }
  }
}
