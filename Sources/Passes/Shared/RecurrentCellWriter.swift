import GraphIR
import Operators
import TensorCore

/// Writes what a recurrent operator computes in one direction: the products of all inputs, and one step after the other.
struct RecurrentCellWriter {
  private let op: any RecurrentOperator
  private let hidden: Int
  private let activations: [RecurrentActivation]
  /// W^T and what is added to its products.
  private let inputWeight: ValueID
  private let bias: ValueID?
  /// R^T in the parts that one product takes.
  private let stateWeights: [ValueID]
  /// The bias of R that the reset gate multiplies too.
  private let resetBias: ValueID?
  /// Pi, Po and Pf.
  private let peepholes: [ValueID]

  init(
    _ op: any RecurrentOperator, _ operands: RecurrentOperands, _ direction: Int, hidden: Int,
    _ writer: inout RecurrentWriter
  ) {
    self.op = op
    self.hidden = hidden
    activations = op.settings.activations[direction]
    let graph = writer.graph
    func weights(_ position: Int) -> [Float]? {
      operands.weights(position, direction: direction, in: graph)
    }
    let rows = op.gateCount * hidden
    let w = weights(1) ?? []
    let inputSize = w.count / rows
    inputWeight = writer.constant(
      Self.transposed(w[...], columns: inputSize), [inputSize, rows], "_input_weight")
    let r = weights(2) ?? []
    // The candidate of a GRU takes the state behind the reset gate, in a product of its own.
    let resetsState = (op as? GRU).map { !$0.resetsProducts } ?? false
    let parts = resetsState ? [0..<2 * hidden, 2 * hidden..<rows] : [0..<rows]
    stateWeights = parts.enumerated().map { index, part in
      writer.constant(
        Self.transposed(
          r[part.lowerBound * hidden..<part.upperBound * hidden], columns: hidden),
        [hidden, part.count], index == 0 ? "_state_weight" : "_candidate_weight")
    }
    var sums: [Float] = []
    var inReset: [Float] = []
    if let biases = weights(3) {
      sums = (0..<rows).map { biases[$0] + biases[rows + $0] }
      if let gru = op as? GRU, gru.resetsProducts {
        inReset = Array(biases[rows + 2 * hidden..<2 * rows])
        sums.replaceSubrange(2 * hidden..<rows, with: biases[2 * hidden..<rows])
      }
    }
    bias = sums.contains { $0 != 0 } ? writer.constant(sums, [rows], "_bias") : nil
    resetBias =
      inReset.contains { $0 != 0 } ? writer.constant(inReset, [hidden], "_reset_bias") : nil
    peepholes =
      weights(7).map { p in
        (0..<3).map {
          writer.constant(Array(p[$0 * hidden..<($0 + 1) * hidden]), [hidden], "_peephole_\($0)")
        }
      } ?? []
  }

  /// The matrix of `columns` columns with its axes exchanged.
  private static func transposed(_ matrix: ArraySlice<Float>, columns: Int) -> [Float] {
    let rows = matrix.count / max(columns, 1)
    var result = [Float](repeating: 0, count: matrix.count)
    for row in 0..<rows {
      for column in 0..<columns {
        result[column * rows + row] = matrix[matrix.startIndex + row * columns + column]
      }
    }
    return result
  }

  /// The products of the inputs of all steps, with their biases.
  func inputs(_ x: ValueID?, _ writer: inout RecurrentWriter) -> ValueID {
    let products = writer.add(MatMul(), [x, inputWeight], "_input")
    guard let bias else { return products }
    return writer.add(Add(), [products, bias], "_input_bias")
  }

  /// One step.
  ///
  /// - Parameters:
  ///   - input: the products of the step's input, gate by gate.
  ///   - suffix: of the step's nodes.
  func advance(
    _ states: inout RecurrentWriter.States, _ input: ValueID, _ suffix: String,
    _ writer: inout RecurrentWriter
  ) {
    switch op {
    case let lstm as LSTM: advance(lstm, &states, input, suffix, &writer)
    case let gru as GRU: advance(gru, &states, input, suffix, &writer)
    default:
      let sums = states.output.map { sum(input, product($0, 0, suffix, &writer), suffix, &writer) }
      states.output = gate(0, sums ?? input, "_gate" + suffix, &writer)
    }
  }

  private func product(
    _ state: ValueID, _ part: Int, _ suffix: String, _ writer: inout RecurrentWriter
  ) -> ValueID {
    writer.add(
      MatMul(), [state, stateWeights[part]], (part == 0 ? "_state" : "_candidate") + suffix)
  }

  private func sum(
    _ a: ValueID, _ b: ValueID, _ suffix: String, _ writer: inout RecurrentWriter
  ) -> ValueID { writer.add(Add(), [a, b], "_sum" + suffix) }

  /// A function of a sum, clipped where the node asks for it.
  private func gate(
    _ function: Int, _ sum: ValueID, _ suffix: String, _ writer: inout RecurrentWriter
  ) -> ValueID {
    let clipped = op.settings.clip.map { writer.clip(sum, $0, suffix + "_clipped") } ?? sum
    return writer.apply(activations[function], clipped, suffix)
  }

  /// 1 - value.
  private func complement(
    _ value: ValueID, _ suffix: String, _ writer: inout RecurrentWriter
  ) -> ValueID { writer.add(Sub(), [writer.scalar(1), value], suffix) }

  private func advance(
    _ op: LSTM, _ states: inout RecurrentWriter.States, _ input: ValueID, _ suffix: String,
    _ writer: inout RecurrentWriter
  ) {
    let sums =
      states.output.map { sum(input, product($0, 0, suffix, &writer), suffix, &writer) } ?? input
    let parts = writer.split(sums, 4, "_gates" + suffix)
    func peeping(_ gate: Int, _ memory: ValueID?, _ writer: inout RecurrentWriter) -> ValueID {
      guard let memory, !peepholes.isEmpty else { return parts[gate] }
      let name = "_peep_\(gate)" + suffix
      let peep = writer.add(Mul(), [memory, peepholes[gate]], name)
      return writer.add(Add(), [parts[gate], peep], name + "_sum")
    }
    let past = states.memory
    let enter = gate(0, peeping(0, past, &writer), "_enter" + suffix, &writer)
    let candidate = gate(1, parts[3], "_candidate" + suffix, &writer)
    var memory = writer.add(Mul(), [enter, candidate], "_entered" + suffix)
    if let past {
      let keep =
        op.couplesGates
        ? complement(enter, "_keep" + suffix, &writer)
        : gate(0, peeping(2, past, &writer), "_keep" + suffix, &writer)
      let kept = writer.add(Mul(), [keep, past], "_kept" + suffix)
      memory = writer.add(Add(), [kept, memory], "_memory" + suffix)
    }
    let leave = gate(0, peeping(1, memory, &writer), "_leave" + suffix, &writer)
    let shown = writer.apply(activations[2], memory, "_shown" + suffix)
    states.memory = memory
    states.output = writer.add(Mul(), [leave, shown], "_hidden" + suffix)
  }

  private func advance(
    _ op: GRU, _ states: inout RecurrentWriter.States, _ input: ValueID, _ suffix: String,
    _ writer: inout RecurrentWriter
  ) {
    let inputs = writer.split(input, 3, "_inputs" + suffix)
    let products = states.output.map {
      writer.split(
        product($0, 0, suffix, &writer), op.resetsProducts ? 3 : 2, "_products" + suffix)
    }
    func summed(_ gate: Int, _ writer: inout RecurrentWriter) -> ValueID {
      products.map { sum(inputs[gate], $0[gate], "_\(gate)" + suffix, &writer) } ?? inputs[gate]
    }
    let update = gate(0, summed(0, &writer), "_update" + suffix, &writer)
    var candidate = inputs[2]
    if op.resetsProducts {
      var inner = products?[2]
      if let resetBias {
        inner = inner.map { writer.add(Add(), [$0, resetBias], "_inner" + suffix) } ?? resetBias
      }
      if let inner {
        let reset = gate(0, summed(1, &writer), "_reset" + suffix, &writer)
        let part = writer.add(Mul(), [reset, inner], "_part" + suffix)
        candidate = sum(candidate, part, "_2" + suffix, &writer)
      }
    } else if let state = states.output {
      let reset = gate(0, summed(1, &writer), "_reset" + suffix, &writer)
      let kept = writer.add(Mul(), [reset, state], "_part" + suffix)
      candidate = sum(candidate, product(kept, 1, suffix, &writer), "_2" + suffix, &writer)
    }
    let new = gate(1, candidate, "_new" + suffix, &writer)
    let complement = complement(update, "_renewed" + suffix, &writer)
    let renewed = writer.add(Mul(), [complement, new], "_part_new" + suffix)
    guard let state = states.output else {
      states.output = renewed
      return
    }
    let kept = writer.add(Mul(), [update, state], "_kept" + suffix)
    states.output = writer.add(Add(), [renewed, kept], "_hidden" + suffix)
  }
}
