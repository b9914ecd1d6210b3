import Execution
import GraphIR

/// A rewrite of a graph with a stated contract, one file each.
package protocol Pass: Sendable {
  /// What reports and errors call the pass.
  static var name: String { get }
  /// Passes that must have run before this one in any pipeline that holds both.
  static var mustFollow: [any Pass.Type] { get }

  /// - Throws: ``PassError`` where the graph does not meet what `run` needs.
  func requires(_ graph: Graph) throws(PassError)

  /// Rewrites the graph.
  ///
  /// - Returns: the edits made, empty where nothing changed.
  /// - Throws: ``PassError`` where a node can't be handled.
  func run(_ graph: inout Graph) throws(PassError) -> [Edit]

  /// - Throws: ``PassError`` where the rewritten graph is not what the pass promises.
  func ensures(_ graph: Graph) throws(PassError)
}

extension Pass {
  package static var mustFollow: [any Pass.Type] { [] }
  package func requires(_ graph: Graph) {}
  package func ensures(_ graph: Graph) {}
}

/// One change that a pass made, for reports.
public struct Edit: Sendable, Hashable {
  public var node: String
  public var what: String

  public init(node: String, _ what: String) {
    self.node = node
    self.what = what
  }
}

/// What one pass did to a graph.
public struct PassReport: Sendable, Hashable {
  public var pass: String
  public var edits: [Edit]

  public init(pass: String, edits: [Edit]) {
    self.pass = pass
    self.edits = edits
  }
}

/// Why a pass could not run.
public indirect enum PassError: Error, Sendable, Hashable {
  case node(name: String, type: String, OperatorError)
  case graph(GraphError)
  case execution(ExecutionError)
  case notConverged(rounds: Int)
  /// What a tool misreads or doesn't read, though the format has it.
  case inexpressible(node: String, type: String, format: String, reason: String)
  /// An error with the pass in which it arose and those that had run before.
  case failed(pass: String, after: [String], PassError)
}

extension PassError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .node(let name, let type, let error): "node '\(name)' (\(type)): \(error)"
    case .graph(let error): "\(error)"
    case .execution(let error): "\(error)"
    case .notConverged(let rounds): "no fixed point after \(rounds) rounds"
    case .inexpressible(let node, let type, let format, let reason):
      "node '\(node)' (\(type)): \(format) can't take it: \(reason)"
    case .failed(let pass, let after, let error):
      "\(error) (in pass \(pass)"
        + (after.isEmpty ? ")" : ", after \(after.joined(separator: ", ")))")
    }
  }
}
