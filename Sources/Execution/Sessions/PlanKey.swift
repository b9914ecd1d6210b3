import GraphIR
import TensorCore

/// What a session's plan was made for.
struct PlanKey: Hashable {
  var fed: [ValueID]
  var types: [ConcreteType]
  /// Each once.
  var results: [ValueID]
  /// Fed tensors whose values the plan holds for.
  var values: [ValueID: Tensor] = [:]

  init(_ inputs: [ValueID: Tensor], results: [ValueID]) {
    fed = inputs.keys.sorted()
    types = fed.compactMap { inputs[$0].map { ConcreteType($0.elementType, $0.shape) } }
    var seen: Set<ValueID> = []
    self.results = results.filter { seen.insert($0).inserted }
  }

  /// The tensors among those fed that may be meant to say what a shape is. What else decides one is computed in a stage,
  /// since a plan for each value of a sample would not be used again.
  static func shortValues(_ inputs: [ValueID: Tensor]) -> [ValueID: Tensor] {
    inputs.filter { _, tensor in
      tensor.rank <= 1 && tensor.count <= 64
        && (tensor.count == 1 || !tensor.elementType.isFloatingPoint)
    }
  }
}
