import GraphIR
import Operators
import TensorCore

/// Writes recurrent layers as standard operators, step by step, so that their products become layers like others.
///
///     Y = LSTM(X, W, R, B)  ->  S = X W^T + B; for each step t: H = ...(S_t + H R^T); Y = Concat(H, ...)
///
/// 1. LSTM, GRU and RNN with constant weights and a known number of steps, in both directions. The weight R is one
///    constant that all steps read.
/// 2. States that begin at zero have no product in their first step.
///
/// Others stay, with an ``Obstacle``. What is written agrees up to the rounding of floats.
package struct RecurrentUnrolling: Pass {
  package static let name = "recurrent-unrolling"
  package static let mustFollow: [any Pass.Type] = [ShapeInference.self, ConstantFolding.self]

  /// The steps that are written at most. Each takes about fifteen nodes, and conversions walk from layer to layer.
  package static let stepLimit = 256

  /// The opset of the standard domain that the model imports.
  package let opset: Int

  package init(opset: Int) { self.opset = opset }

  package typealias Obstacle = RecurrentObstacle

  package func run(_ graph: inout Graph) throws(PassError) -> [Edit] {
    var edits: [Edit] = []
    for id in graph.nodeIDs {
      guard let op = graph[id].op as? any RecurrentOperator,
        Self.obstacle(to: graph[id], in: graph, opset: opset) == nil
      else { continue }
      let node = graph[id]
      graph.remove(id)
      var writer = RecurrentWriter(graph, node, op, opset: opset)
      writer.write()
      graph = writer.graph
      edits.append(Edit(node: node.name, "\(op.type) as \(writer.steps) steps"))
    }
    if !edits.isEmpty { graph.removeUnusedValues() }
    return edits
  }

  /// Why the recurrent layers that a graph still has stay, by name.
  package static func obstacles(in graph: Graph, opset: Int) -> [String: Obstacle] {
    var result: [String: Obstacle] = [:]
    for id in graph.nodeIDs {
      if let obstacle = obstacle(to: graph[id], in: graph, opset: opset) {
        result[graph[id].name] = obstacle
      }
    }
    return result
  }

  /// `nil` for a layer that can be written as steps, and for other operators.
  private static func obstacle(to node: Node, in graph: Graph, opset: Int) -> Obstacle? {
    guard let op = node.op as? any RecurrentOperator else { return nil }
    let operands = RecurrentOperands(node, op)
    guard let x = operands.value(0), let dimensions = graph[x].type?.dimensions,
      dimensions.count == 3,
      let steps = dimensions[op.settings.isBatchFirst ? 1 : 0].size, steps > 0
    else { return .openLength }
    guard steps <= stepLimit else { return .length(steps) }
    guard operands.areWeightsConstant(in: graph, input: dimensions[2].size) else {
      return .computedWeights
    }
    if let lengths = operands.value(4) {
      guard let given = graph[lengths].constant?.integers(), given.allSatisfy({ $0 == steps })
      else { return .lengthsOfSamples }
    }
    let functions = op.settings.activations.joined().map(\.function)
    if opset < 10, functions.contains(.thresholdedRelu) {
      return .activation(RecurrentActivation.Function.thresholdedRelu.rawValue)
    }
    return nil
  }
}

extension RecurrentUnrolling.Obstacle: CustomStringConvertible {
  public var description: String {
    switch self {
    case .openLength:
      "the length of its sequences is open; fix it with --shape, and its steps become layers"
    case .length(let steps):
      "its sequences have \(steps) steps, and at most \(RecurrentUnrolling.stepLimit) become layers; give shorter ones with --shape"
    case .computedWeights: "its weights are no constants of the shapes that its definition asks for"
    case .lengthsOfSamples:
      "it takes the length of each sample (sequence_lens); without that input its steps become layers"
    case .activation(let name):
      "its activation \(name) is no operator of the model's opset; export it with a later one"
    }
  }
}

/// Why a recurrent layer stays as it is.
public enum RecurrentObstacle: Sendable, Hashable {
  case openLength
  case length(Int)
  case computedWeights
  case lengthsOfSamples
  /// An activation that the opset has no operator for.
  case activation(String)
}
