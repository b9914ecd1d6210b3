import Execution
import GraphIR
import TensorCore

/// Inputs that have the same value at every run, where they decide what control flow does.
///
///     y = If(rate == 8000, A, B), rate = 16000 at every run  ->  y = If(16000 == 8000, A, B), and `rate` is read by nothing
///
/// What follows, as the branch in the place of the `If`, is left to ``Pipeline/importCanonical``. Other inputs stay what
/// they are.
package enum DecidingInputs {
  /// Puts constants in the place of those inputs that a branch or a loop depends on.
  ///
  /// - Parameter constant: the value of an input; `nil` where it may change from run to run.
  /// - Returns: the names of the inputs that are read by nothing now.
  package static func fix(_ graph: inout Graph, constant: (Graph, ValueID) -> Tensor?) -> [String] {
    let deciding = inputs(of: graph)
    var fixed: [String] = []
    for input in graph.inputs where deciding.contains(input) {
      guard let tensor = constant(graph, input) else { continue }
      let name = graph[input].name
      graph.replaceAllUses(of: input, with: graph.addConstant(name: name + "_fixed", tensor))
      fixed.append(name)
    }
    return fixed
  }

  /// The graph inputs that a condition or a number of iterations is computed from.
  private static func inputs(of graph: Graph) -> Set<ValueID> {
    var stack: [ValueID] = []
    for id in graph.nodeIDs where graph[id].op is any ControlFlowOperator {
      // The condition of an If; the number of iterations and the condition of a Loop.
      stack += graph[id].inputs.prefix(2).compactMap { $0 }
    }
    var seen: Set<ValueID> = []
    while let value = stack.popLast() {
      guard seen.insert(value).inserted else { continue }
      stack += graph.producer(of: value)?.inputs.compactMap { $0 } ?? []
    }
    return seen.intersection(graph.inputs)
  }
}
