import GraphIR
import Operators
import TensorCore

/// Writes a recurrent node as standard operators.
struct RecurrentWriter {
  private(set) var graph: Graph
  private let node: Node
  private let op: any RecurrentOperator
  private let operands: RecurrentOperands
  private let opset: Int
  let steps: Int
  let hidden: Int
  /// What the names of all nodes and values begin with.
  private var prefix = ""
  private var scalars: [Float: ValueID] = [:]
  private var positions: [Int: ValueID] = [:]

  /// The states between two steps; `nil` for zeros.
  struct States {
    var output: ValueID?
    var memory: ValueID?
  }

  /// - Precondition: ``RecurrentUnrolling`` found no obstacle to the node, which is removed already.
  init(_ graph: Graph, _ node: Node, _ op: any RecurrentOperator, opset: Int) {
    operands = RecurrentOperands(node, op)
    guard let x = operands.value(0), let dimensions = graph[x].type?.dimensions,
      let steps = dimensions[op.settings.isBatchFirst ? 1 : 0].size,
      let hidden = operands.hidden(in: graph)
    else { preconditionFailure("'\(node.name)' has an obstacle") }
    (self.graph, self.node, self.op, self.opset) = (graph, node, op, opset)
    (self.steps, self.hidden) = (steps, hidden)
  }

  /// Computes all outputs of the node that it has.
  mutating func write() {
    var sequences: [ValueID] = []
    var last: [[ValueID]] = [[], []]
    let reversals = op.settings.direction.reversals
    let (time, side) = op.settings.isBatchFirst ? (1, 2) : (0, 1)
    for (direction, isReversed) in reversals.enumerated() {
      prefix = node.name + (reversals.count == 1 ? "" : isReversed ? "_backward" : "_forward")
      let (outputs, states) = run(direction, isReversed: isReversed)
      if output(0) != nil {
        let parts = outputs.enumerated().map {
          unsqueeze($1, op.settings.isBatchFirst ? [1, 2] : [0, 1], "_step_\($0)")
        }
        sequences.append(
          parts.count == 1 ? parts[0] : add(Concat(axis: time), parts, "_sequence"))
      }
      for (index, state) in [states.output, states.memory].enumerated() {
        guard output(1 + index) != nil, let state else { continue }
        last[index].append(unsqueeze(state, [op.settings.isBatchFirst ? 1 : 0], "_last_\(index)"))
      }
    }
    prefix = node.name
    finish(0, sequences, axis: side)
    for index in last.indices { finish(1 + index, last[index], axis: time) }
  }

  private func output(_ position: Int) -> ValueID? {
    position < node.outputs.count ? node.outputs[position] : nil
  }

  /// Joins the directions in an output of the node.
  private mutating func finish(_ position: Int, _ parts: [ValueID], axis: Int) {
    guard let output = output(position), let first = parts.first else { return }
    guard parts.count > 1 else { return graph.replaceAllUses(of: output, with: first) }
    graph.addNode(
      Concat(axis: axis), name: prefix + "_output_\(position)", inputs: parts, outputs: [output])
  }

  /// Writes a direction.
  ///
  /// - Returns: the output of each step in the order of time, and the last states.
  private mutating func run(_ direction: Int, isReversed: Bool) -> ([ValueID], States) {
    let cell = RecurrentCellWriter(op, operands, direction, hidden: hidden, &self)
    var states = States(
      output: initial(5, direction, "_initial"), memory: initial(6, direction, "_memory"))
    let sums = cell.inputs(operands.value(0), &self)
    var outputs: [(time: Int, value: ValueID)] = []
    for step in 0..<steps {
      let time = isReversed ? steps - 1 - step : step
      let input = add(
        Gather(axis: op.settings.isBatchFirst ? 1 : 0), [sums, self.position(time)],
        "_input_\(time)")
      cell.advance(&states, input, "_\(time)", &self)
      if let output = states.output { outputs.append((time, output)) }
    }
    return (outputs.sorted { $0.time < $1.time }.map(\.value), states)
  }

  /// A state of a direction before the first step; `nil` for zeros.
  private mutating func initial(_ input: Int, _ direction: Int, _ suffix: String) -> ValueID? {
    guard let value = operands.value(input), !operands.beginsAtZero(input, in: graph) else {
      return nil
    }
    return add(
      Gather(axis: op.settings.isBatchFirst ? 1 : 0), [value, position(direction)], suffix)
  }
}

/// Nodes in the forms of the model's opset.
extension RecurrentWriter {
  mutating func add(_ op: any Operator, _ inputs: [ValueID?], _ suffix: String) -> ValueID {
    graph.addNode(op, name: prefix + suffix, inputs: inputs, output: prefix + suffix)
  }

  mutating func constant(_ elements: [Float], _ shape: [Int], _ suffix: String) -> ValueID {
    graph.addConstant(name: prefix + suffix, Tensor(elements, shape: shape))
  }

  mutating func scalar(_ value: Float) -> ValueID {
    if let known = scalars[value] { return known }
    let made = graph.addConstant(name: node.name + "_constant", Tensor(scalar: value))
    scalars[value] = made
    return made
  }

  /// A position along an axis, for Gather.
  private mutating func position(_ value: Int) -> ValueID {
    if let known = positions[value] { return known }
    let made = graph.addConstant(
      name: node.name + "_position_\(value)", Tensor(scalar: Int64(value)))
    positions[value] = made
    return made
  }

  /// Parts of one size along the second axis.
  mutating func split(_ value: ValueID, _ count: Int, _ suffix: String) -> [ValueID] {
    let name = prefix + suffix
    let parts = (0..<count).map { graph.addValue(name: "\(name)_\($0)") }
    graph.addNode(
      Split(axis: 1, sizes: opset < 18 ? .equal(count) : .parts(count)), name: name,
      inputs: [value], outputs: parts)
    return parts
  }

  private mutating func unsqueeze(_ value: ValueID, _ axes: [Int], _ suffix: String) -> ValueID {
    guard opset >= 13 else { return add(Unsqueeze(axes: .attribute(axes)), [value], suffix) }
    let list = graph.addConstant(
      name: prefix + suffix + "_axes", Tensor(axes.map(Int64.init), shape: [axes.count]))
    return add(Unsqueeze(axes: .input), [value, list], suffix)
  }

  /// `value` within -bound...bound.
  mutating func clip(_ value: ValueID, _ bound: Float, _ suffix: String) -> ValueID {
    guard opset >= 11 else {
      return add(Clip(bounds: .attributes(minimum: -bound, maximum: bound)), [value], suffix)
    }
    return add(Clip(), [value, scalar(-bound), scalar(bound)], suffix)
  }

  mutating func apply(_ activation: RecurrentActivation, _ value: ValueID, _ suffix: String)
    -> ValueID
  {
    let (alpha, beta) = (activation.alpha, activation.beta)
    switch activation.function {
    case .affine:
      let product = add(Mul(), [value, scalar(alpha)], suffix + "_alpha")
      return add(Add(), [product, scalar(beta)], suffix)
    case .elu: return add(Elu(alpha: alpha), [value], suffix)
    case .hardSigmoid: return add(HardSigmoid(alpha: alpha, beta: beta), [value], suffix)
    case .leakyRelu: return add(LeakyRelu(alpha: alpha), [value], suffix)
    case .relu: return add(Relu(), [value], suffix)
    case .scaledTanh:
      let product = add(Mul(), [value, scalar(beta)], suffix + "_beta")
      return add(Mul(), [add(Tanh(), [product], suffix + "_tanh"), scalar(alpha)], suffix)
    case .sigmoid: return add(Sigmoid(), [value], suffix)
    case .softplus: return add(Softplus(), [value], suffix)
    case .softsign: return add(Softsign(), [value], suffix)
    case .tanh: return add(Tanh(), [value], suffix)
    case .thresholdedRelu: return add(ThresholdedRelu(alpha: alpha), [value], suffix)
    }
  }
}
