import Execution
import GraphIR
import TensorCore

/// The sizes of a recurrent node, and the shapes of its operands.
///
/// Inputs: X `[steps, batch, input]`, W `[directions, gates * hidden, input]`, R `[directions, gates * hidden, hidden]`,
/// then optional ones: B `[directions, 2 * gates * hidden]`, sequence_lens `[batch]`, initial_h and, for an LSTM,
/// initial_c `[directions, batch, hidden]`, P `[directions, 3 * hidden]`. Outputs: Y `[steps, directions, batch, hidden]`,
/// Y_h and Y_c as the initial states. With layout 1, samples come first in all of them but the weights.
struct RecurrentShape: Sendable {
  var steps: Int
  var batch: Int
  var input: Int
  var hidden: Int
  var directions: Int
  var gates: Int
  var isBatchFirst: Bool

  /// How W and R lie in memory.
  enum Weights: Sendable {
    /// Floats, a row for each element of a gate.
    case rows
    /// Integers, a column for each element of a gate: the last two axes are exchanged.
    case columns

    /// The axis of R that counts the elements of the state.
    var hiddenAxis: Int { self == .rows ? 2 : 1 }
  }

  /// - Throws: ``OperatorError`` where the operands' shapes don't fit each other.
  init(
    _ context: KernelContext, _ settings: RecurrentSettings, gates: Int, states: Int,
    weights: Weights = .rows
  ) throws(KernelError) {
    let x = try context.floatInput(0).shape
    let r = try context.input(2).shape
    for (index, shape) in [(0, x), (2, r)] where shape.count != 3 {
      throw .operator(.rank(input: index, expected: "3", actual: shape.count))
    }
    isBatchFirst = settings.isBatchFirst
    (steps, batch, input) = isBatchFirst ? (x[1], x[0], x[2]) : (x[0], x[1], x[2])
    hidden = r[weights.hiddenAxis]
    directions = settings.direction.reversals.count
    self.gates = gates
    let rows = r[3 - weights.hiddenAxis]
    guard r[0] == directions, rows % gates == 0, rows / gates == hidden else {
      throw .operator(
        .mismatch(
          what: "shape of R",
          expected: "[\(directions), " + (weights == .rows ? "\(gates) n, n]" : "n, \(gates) n]"),
          actual: "\(r)"))
    }
    if let stated = settings.hiddenSize, stated != hidden {
      throw .operator(
        .mismatch(what: "last dimension of R", expected: "\(stated)", actual: "\(hidden)"))
    }
    let state = isBatchFirst ? [batch, directions, hidden] : [directions, batch, hidden]
    func weight(_ size: Int) -> [Int] {
      [directions] + (weights == .rows ? [gates * hidden, size] : [size, gates * hidden])
    }
    var expected: [[Int]] = [
      x, weight(input), weight(hidden), [directions, 2 * gates * hidden], [batch], state,
    ]
    if states == 2 { expected += [state, [directions, 3 * hidden]] }
    for (index, shape) in expected.enumerated() {
      guard let given = context.optional(index) else { continue }
      let isFloat = index != 4 && (weights == .rows || index != 1 && index != 2)
      if isFloat { _ = try context.floatInput(index) }
      guard given.shape == shape else {
        throw .operator(
          .mismatch(what: "shape of input \(index)", expected: "\(shape)", actual: "\(given.shape)")
        )
      }
    }
  }

  /// The row of a step and a sample in X as a matrix.
  func inputRow(_ step: Int, _ sample: Int) -> Int {
    isBatchFirst ? sample * steps + step : step * batch + sample
  }

  /// The row of a direction's state.
  func stateRow(_ direction: Int, _ sample: Int) -> Int {
    isBatchFirst ? sample * directions + direction : direction * batch + sample
  }

  /// The row of a step's state in Y.
  func outputRow(_ step: Int, _ direction: Int, _ sample: Int) -> Int {
    isBatchFirst
      ? (sample * steps + step) * directions + direction
      : (step * directions + direction) * batch + sample
  }

  /// The types of Y and of the last states.
  ///
  /// - Throws: ``OperatorError/rank(input:expected:actual:)``.
  static func infer(
    _ inputs: [InputInfo?], _ settings: RecurrentSettings, states: Int, weights: Weights = .rows
  ) throws(OperatorError) -> [TensorType?] {
    for index in 0..<3 {
      if let rank = inputs.dimensions(index)?.count, rank != 3 {
        throw .rank(input: index, expected: "3", actual: rank)
      }
    }
    guard let type = inputs.type(0)?.elementType else {
      return [TensorType?](repeating: nil, count: 1 + states)
    }
    let x = inputs.dimensions(0) ?? [.unknown, .unknown, .unknown]
    let hidden =
      inputs.dimensions(2)?[weights.hiddenAxis] ?? settings.hiddenSize.map(Dimension.fixed)
      ?? .unknown
    let directions = Dimension.fixed(settings.direction.reversals.count)
    let y =
      settings.isBatchFirst ? [x[0], x[1], directions, hidden] : [x[0], directions, x[1], hidden]
    let state = settings.isBatchFirst ? [x[0], directions, hidden] : [directions, x[1], hidden]
    return [TensorType(type, y)]
      + [TensorType?](repeating: TensorType(type, state), count: states)
  }
}
