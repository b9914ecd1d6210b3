import DNNEngine
import Execution
import GraphIR
import TensorCore

/// The kernel of LSTM, GRU and RNN: the products of the input with W for all steps at once, then step by step the
/// products of the state with R, and what the operator's cell computes of both.
///
/// Past the length of a sample Y is zero, and the last states are those at its end; a reversed direction begins
/// there. The states of a sample without any step are zero, as in onnxruntime.
final class RecurrentKernel: Kernel {
  let inputs: [InputRequest]
  let outputs: [TensorLayout]
  private let shape: RecurrentShape
  private let directions: [Direction]
  private let states: Int
  private let hasLengths: Bool
  private let hasBias: Bool
  private let hasExtra: Bool
  private let writes: [Bool]
  private let extraBias: Int?
  private let products: any RecurrentProducts
  private let scratch: RecurrentScratch

  struct Direction {
    var isReversed: Bool
    var cell: RecurrentCell
  }

  /// - Parameters:
  ///   - states: 2 with a second state, an input of its first value and peepholes, else 1.
  ///   - extraBias: the gate whose bias of R isn't added to the product of the input, but handed to the cell.
  ///   - phases: what a step computes.
  ///   - weights: whether W and R are floats, or codes for ``DynamicProducts``.
  /// - Throws: ``KernelError`` where shapes don't fit each other, and where memory doesn't suffice.
  static func make(
    _ context: KernelContext, _ settings: RecurrentSettings, gates: Int, states: Int = 1,
    extraBias: Int? = nil, phases: [RecurrentCell.Phase], weights: RecurrentShape.Weights = .rows
  ) throws(KernelError) -> any Kernel {
    try context.checkOutputs()
    let shape = try RecurrentShape(
      context, settings, gates: gates, states: states, weights: weights)
    guard shape.batch > 0, shape.hidden > 0, shape.steps > 0 else {
      return EmptyRecurrentKernel(context, states: states)
    }
    let directions = zip(settings.direction.reversals, settings.activations).map {
      Direction(
        isReversed: $0,
        cell: RecurrentCell(functions: $1.map(\.formula), clip: settings.clip, phases: phases))
    }
    let products: any RecurrentProducts =
      switch weights {
      case .rows:
        try KernelError.engine(try FloatProducts(context.engine, shape, phases.map(\.gates)))
      case .columns: try DynamicProducts(context, shape)
      }
    return try KernelError.engine { () throws(EngineError) in
      try RecurrentKernel(
        context, shape, directions, products, states: states, extraBias: extraBias)
    }
  }

  private init(
    _ context: KernelContext, _ shape: RecurrentShape, _ directions: [Direction],
    _ products: any RecurrentProducts, states: Int, extraBias: Int?
  ) throws(EngineError) {
    inputs = context.rowMajorInputs
    outputs = [TensorLayout](repeating: .rowMajor, count: context.outputs.count)
    self.shape = shape
    self.directions = directions
    self.states = states
    self.extraBias = extraBias
    hasBias = context.optional(3) != nil
    hasLengths = context.optional(4) != nil
    hasExtra = states == 2 && context.optional(7) != nil
    writes = (0...states).map { $0 < context.outputs.count && context.outputs[$0] != nil }
    self.products = products
    scratch = try RecurrentScratch(shape)
  }

  func forward(_ operands: Operands) throws(KernelError) {
    if hasLengths {
      let lengths = operands.input(4, as: Int32.self)
      for sample in 0..<shape.batch where !(0...shape.steps).contains(Int(lengths[sample])) {
        throw .operator(
          .outOfRange(
            what: "sequence_lens", value: Int(lengths[sample]), allowed: "0 to \(shape.steps)"))
      }
    }
    for index in directions.indices {
      try KernelError.engine { () throws(EngineError) in try run(index, operands) }
    }
  }

  private func run(_ direction: Int, _ operands: Operands) throws(EngineError) {
    let (hidden, columns) = (shape.hidden, shape.gates * shape.hidden)
    let bias = hasBias ? operands.input(3, as: Float.self) + direction * 2 * columns : nil
    scratch.sumBiases(
      bias, count: columns, except: extraBias.map { $0 * hidden..<($0 + 1) * hidden })
    products.begin(direction, operands)
    try products.multiplyInputs(bias: scratch.bias, into: scratch.input)
    begin(direction, operands)
    let extra: UnsafePointer<Float>?
    if let extraBias {
      extra = bias.map { $0 + columns + extraBias * hidden }
    } else {
      extra = hasExtra ? operands.input(7, as: Float.self) + direction * 3 * hidden : nil
    }
    let lengths = hasLengths ? operands.input(4, as: Int32.self) : nil
    let cell = directions[direction].cell
    for step in 0..<shape.steps {
      for (index, phase) in cell.phases.enumerated() {
        try products.multiplyState(
          index == 0 ? scratch.state : scratch.operand, phase: index, into: scratch.products)
        advance(
          phase, cell, direction, step, lengths: lengths, extra: extra,
          isLast: index == cell.phases.count - 1, operands)
      }
    }
    finish(direction, lengths, operands)
  }

  /// The states before the first step.
  private func begin(_ direction: Int, _ operands: Operands) {
    for (index, target) in [scratch.state, scratch.memory].prefix(states).enumerated() {
      target.update(repeating: 0, count: shape.batch * shape.hidden)
      guard 5 + index < inputs.count, let given = operands.inputs[5 + index] else { continue }
      let initial = given.assumingMemoryBound(to: Float.self)
      for sample in 0..<shape.batch {
        (target + sample * shape.hidden).update(
          from: initial + shape.stateRow(direction, sample) * shape.hidden, count: shape.hidden)
      }
    }
  }

  /// One phase of a step for all samples.
  private func advance(
    _ phase: RecurrentCell.Phase, _ cell: RecurrentCell, _ direction: Int, _ step: Int,
    lengths: UnsafePointer<Int32>?, extra: UnsafePointer<Float>?, isLast: Bool,
    _ operands: Operands
  ) {
    let (shape, scratch) = (shape, scratch)
    let (hidden, columns) = (shape.hidden, shape.gates * shape.hidden)
    let isReversed = directions[direction].isReversed
    let width = phase.gates.count * hidden
    nonisolated(unsafe) let (lengths, extra) = (lengths, extra)
    nonisolated(unsafe) let y = writes[0] && isLast ? operands.output(0, as: Float.self) : nil
    Parallelism.forEachRange(count: shape.batch, grain: max(1, elementGrain / columns)) { range in
      for sample in range {
        let length = lengths.map { Int($0[sample]) } ?? shape.steps
        let isOver = step >= length
        let place = isReversed && !isOver ? length - 1 - step : step
        let target = y.map { $0 + shape.outputRow(place, direction, sample) * hidden }
        if isOver {
          target?.update(repeating: 0, count: hidden)
          continue
        }
        let sums = scratch.sums + sample * columns
        (sums + phase.gates.lowerBound * hidden).update(
          from: scratch.products + sample * width, count: width)
        let state = scratch.state + sample * hidden
        phase.compute(
          cell,
          RecurrentCell.Row(
            hidden: hidden, input: scratch.input + shape.inputRow(place, sample) * columns,
            sums: sums, state: state, memory: scratch.memory + sample * hidden,
            operand: scratch.operand + sample * hidden, extra: extra))
        target?.update(from: state, count: hidden)
      }
    }
  }

  /// Writes the states after the last step.
  private func finish(
    _ direction: Int, _ lengths: UnsafePointer<Int32>?, _ operands: Operands
  ) {
    for (index, source) in [scratch.state, scratch.memory].prefix(states).enumerated()
    where writes[index + 1] {
      let target = operands.output(index + 1, as: Float.self)
      for sample in 0..<shape.batch {
        let row = target + shape.stateRow(direction, sample) * shape.hidden
        if lengths?[sample] == 0 {
          row.update(repeating: 0, count: shape.hidden)
        } else {
          row.update(from: source + sample * shape.hidden, count: shape.hidden)
        }
      }
    }
  }
}

/// The kernel where there is no step, no sample or no state: the last states are the first ones.
private final class EmptyRecurrentKernel: Kernel {
  let inputs: [InputRequest]
  let outputs: [TensorLayout]
  private let states: Int
  private let counts: [Int?]

  init(_ context: KernelContext, states: Int) {
    inputs = context.rowMajorInputs
    outputs = [TensorLayout](repeating: .rowMajor, count: context.outputs.count)
    self.states = states
    counts = context.outputs.map { $0?.count }
  }

  func forward(_ operands: Operands) {
    for (index, count) in counts.enumerated().dropFirst() {
      guard let count else { continue }
      let target = operands.output(index, as: Float.self)
      if 4 + index < inputs.count, index <= states, operands.inputs[4 + index] != nil {
        target.update(from: operands.input(4 + index, as: Float.self), count: count)
      } else {
        target.update(repeating: 0, count: count)
      }
    }
  }
}
