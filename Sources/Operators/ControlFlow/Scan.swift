import Execution
import GraphIR
import TensorCore

/// A subgraph that runs over the slices of sequences (ONNX Scan, opset 8, 9, 11, 16 to 25).
///
/// Inputs: values carried from one iteration to the next, then the sequences. The body takes the values and one
/// slice of each sequence; it gives the values, and one slice of each output sequence. In opset 8 lengths of the
/// sequences come first, and everything else has an axis of samples in front, over which the body runs one by one.
package struct Scan: SerializableOperator, ControlFlowOperator {
  /// The first input may be left out in opset 8.
  package static let schema = OperatorSchema(
    "Scan", since: 8, inputs: 0...Int.max, outputs: 1...Int.max)

  private let body: Subgraph
  private let sequenceCount: Int
  private let inputAxes: [Int]?
  private let outputAxes: [Int]?
  /// Of which sequences the last slice comes first.
  private let reversesInputs: [Int]?
  private let reversesOutputs: [Int]?
  private let raw: [Attribute]
  private let opset: Int

  package init(attributes: AttributeReader) throws(OperatorError) {
    guard let body = try attributes.subgraph("body") else {
      throw .missingAttribute(name: "body")
    }
    guard let count = try attributes.int("num_scan_inputs") else {
      throw .missingAttribute(name: "num_scan_inputs")
    }
    guard count >= 1 else {
      throw .attributeValue(name: "num_scan_inputs", value: "\(count)", allowed: "1 or more")
    }
    self.body = body
    sequenceCount = count
    inputAxes = attributes.opset < 9 ? nil : try attributes.ints("scan_input_axes")
    outputAxes = try attributes.ints("scan_output_axes")
    reversesInputs = try attributes.ints(
      attributes.opset < 9 ? "directions" : "scan_input_directions")
    reversesOutputs = try attributes.ints("scan_output_directions")
    raw = attributes.attributes
    opset = attributes.opset
  }

  package func attributes() -> [Attribute] { raw }

  package func raise(_ node: NodeID, in graph: inout Graph, across opsets: OpsetRange)
    throws(OperatorError) -> String?
  {
    if opsets.crosses(9) {
      throw .unsupported(what: "the form before opset 9, in opset \(opsets.to)")
    }
    try body.requireSameForm(across: opsets)
    return nil
  }

  package func inline(_ node: Node, _ inliner: inout ControlFlowInliner) throws(OperatorError) {
    let body = try body.decoded()
    guard opset >= 9 else { return try inlineSamples(node, body, &inliner) }
    guard node.inputs.count >= sequenceCount else {
      throw .arity(what: "inputs", expected: sequenceCount...Int.max, actual: node.inputs.count)
    }
    let initial = Array(node.inputs.dropLast(sequenceCount))
    let sequences = try sequences(node, inliner.graph)
    let (carried, slices) = try unroll(
      body, of: node, "\(node.name)/", initial, sequences, &inliner)
    for (index, output) in node.outputs.enumerated() {
      guard let output else { continue }
      if index < carried.count {
        guard let value = carried[index] else { throw .missingInput(index: index, name: "state") }
        inliner.assign(value, to: output, of: node.id)
        continue
      }
      let place = index - carried.count
      let type = body.graph[body.graph.outputs[index]].type
      var axis = Self.entry(outputAxes, place)
      if axis < 0 {
        guard let rank = type?.rank else { throw .needsConstant(input: "scan_output_axes") }
        axis += rank + 1
      }
      let isReversed = Self.entry(reversesOutputs, place) != 0
      let value = try inliner.stack(
        isReversed ? slices[place].reversed() : slices[place], axis: axis, of: type,
        "\(node.name)/stack", opset: opset)
      inliner.assign(value, to: output, of: node.id)
    }
  }

  package func run(_ node: Node, _ inputs: [Tensor?], _ bodies: BodyRunner)
    throws(ExecutionError) -> [Tensor]
  {
    guard opset >= 9 else {
      throw bodies.error(.unsupported(what: "sequences of unknown shapes before opset 9"))
    }
    let sequences = inputs.suffix(sequenceCount).compactMap { $0 }
    guard inputs.count >= sequenceCount, sequences.count == sequenceCount else {
      throw bodies.error(.missingInput(index: inputs.count - 1, name: "sequence"))
    }
    var axes: [Int] = []
    for (place, sequence) in sequences.enumerated() {
      do throws(OperatorError) {
        axes.append(
          try Axes.normalized(Self.entry(inputAxes, place), rank: sequence.shape.count))
      } catch { throw bodies.error(error) }
    }
    let count = sequences[0].shape[axes[0]]
    guard zip(sequences, axes).allSatisfy({ $0.shape[$1] == count }) else {
      throw bodies.error(
        .mismatch(what: "lengths of the sequences", expected: "\(count)", actual: "others"))
    }
    var carried = Array(inputs.dropLast(sequenceCount))
    var slices: [[Tensor]] = []
    for iteration in 0..<count {
      var parts: [Tensor?] = []
      for (place, sequence) in sequences.enumerated() {
        let isReversed = Self.entry(reversesInputs, place) != 0
        let index = Tensor(scalar: Int64(isReversed ? count - 1 - iteration : iteration))
        parts.append(try bodies.compute(Gather(axis: axes[place]), [sequence, index]))
      }
      let results = try bodies.run(body, carried + parts)
      guard results.count >= carried.count else {
        throw bodies.error(
          .arity(
            what: "outputs of the body", expected: carried.count...Int.max, actual: results.count))
      }
      slices.append(Array(results[carried.count...]))
      carried = results[..<carried.count].map { $0 }
    }
    var outputs: [Tensor] = []
    for (index, value) in carried.enumerated() {
      guard let value else { throw bodies.error(.missingInput(index: index, name: "state")) }
      outputs.append(value)
    }
    let declared = try bodies.graph(of: body)
    for index in declared.outputs.indices.dropFirst(carried.count) {
      let place = index - carried.count
      let isReversed = Self.entry(reversesOutputs, place) != 0
      let own = slices.map { $0[place] }
      outputs.append(
        try bodies.stack(
          isReversed ? own.reversed() : own, axis: Self.entry(outputAxes, place),
          of: declared[declared.outputs[index]].type))
    }
    return outputs
  }

  /// Opset 8: the body over the sequences of each sample, whose results are stacked.
  private func inlineSamples(
    _ node: Node, _ body: DecodedSubgraph, _ inliner: inout ControlFlowInliner
  ) throws(OperatorError) {
    guard node.inputs.count > sequenceCount else {
      throw .arity(
        what: "inputs", expected: sequenceCount + 1...Int.max, actual: node.inputs.count)
    }
    guard node.inputs[0] == nil else {
      throw .unsupported(what: "sequences of lengths of their own (sequence_lens)")
    }
    var samples = 0
    for case let input? in node.inputs {
      guard let size = inliner.graph[input].type?.dimensions?.first?.size else {
        throw .unsupported(what: "an unknown number of samples")
      }
      samples = size
    }
    guard samples >= 1, samples <= ControlFlowInliner.maximumIterations else {
      throw .outOfRange(
        what: "samples", value: samples, allowed: "1 to \(ControlFlowInliner.maximumIterations)")
    }
    let stacked = max(body.graph.outputs.count - (node.inputs.count - 1 - sequenceCount), 0)
    var results = [[ValueID]](repeating: [], count: body.graph.outputs.count)
    for sample in 0..<samples {
      let prefix = "\(node.name)/sample_\(sample)/"
      let index = inliner.add(constant: Tensor(scalar: Int64(sample)), prefix + "index")
      let own = node.inputs.dropFirst().map { input in
        input.map { inliner.add(Gather(axis: 0), prefix + "input", inputs: [$0, index]) }
      }
      let whole = try sequences(node, inliner.graph, axis: 1)
      let sequences = zip(whole, own.suffix(sequenceCount)).map { sequence, value in
        Sequence(
          value: value ?? sequence.value, axis: 0, count: sequence.count,
          isReversed: sequence.isReversed)
      }
      let (carried, slices) = try unroll(
        body, of: node, prefix, Array(own.dropLast(sequenceCount)), sequences, &inliner)
      for (place, value) in carried.enumerated() {
        guard let value else { throw .missingInput(index: place + 1, name: "state") }
        results[place].append(value)
      }
      for place in 0..<stacked {
        let type = body.graph[body.graph.outputs[carried.count + place]].type
        results[carried.count + place].append(
          try inliner.stack(slices[place], axis: 0, of: type, prefix + "stack", opset: opset))
      }
    }
    for case (let place, let output?) in node.outputs.enumerated() {
      let value = try inliner.stack(
        results[place], axis: 0, of: nil, "\(node.name)/stack", opset: opset)
      inliner.assign(value, to: output, of: node.id)
    }
  }

  /// One copy of the body for each slice of the sequences.
  ///
  /// - Returns: the values after the last one, and the slices of each output sequence.
  private func unroll(
    _ body: DecodedSubgraph, of node: Node, _ prefix: String, _ initial: [ValueID?],
    _ sequences: [Sequence], _ inliner: inout ControlFlowInliner
  ) throws(OperatorError) -> (carried: [ValueID?], slices: [[ValueID]]) {
    var carried = initial
    let stacked = body.graph.outputs.count - carried.count
    guard stacked >= 0, node.outputs.count <= body.graph.outputs.count else {
      throw .arity(
        what: "outputs of the body", expected: node.outputs.count...Int.max,
        actual: body.graph.outputs.count)
    }
    let count = sequences[0].count
    guard sequences.allSatisfy({ $0.count == count }) else {
      throw .mismatch(what: "lengths of the sequences", expected: "\(count)", actual: "others")
    }
    guard count <= ControlFlowInliner.maximumIterations else {
      throw .unsupported(
        what: "a sequence of more than \(ControlFlowInliner.maximumIterations) slices")
    }
    var slices = [[ValueID]](repeating: [], count: stacked)
    for iteration in 0..<count {
      let prefix = "\(prefix)\(iteration)/"
      var parts: [ValueID?] = []
      for sequence in sequences {
        let place = sequence.isReversed ? count - 1 - iteration : iteration
        let index = inliner.add(constant: Tensor(scalar: Int64(place)), prefix + "place")
        parts.append(
          inliner.add(
            Gather(axis: sequence.axis), prefix + "slice", inputs: [sequence.value, index]))
      }
      let results = try inliner.splice(body, of: node, prefix: prefix, inputs: carried + parts)
      carried = results[..<carried.count].map { $0 }
      for index in 0..<stacked { slices[index].append(results[carried.count + index]) }
    }
    return (carried, slices)
  }

  private struct Sequence {
    var value: ValueID
    var axis: Int
    var count: Int
    var isReversed: Bool
  }

  /// - Parameter axis: that of the slices where the node doesn't name one.
  private func sequences(_ node: Node, _ graph: Graph, axis: Int = 0) throws(OperatorError)
    -> [Sequence]
  {
    var result: [Sequence] = []
    for (place, input) in node.inputs.suffix(sequenceCount).enumerated() {
      guard let input else {
        throw .missingInput(index: node.inputs.count - sequenceCount + place, name: "sequence")
      }
      guard let dimensions = graph[input].type?.dimensions else {
        throw .unsupported(what: "a sequence of unknown length")
      }
      let axis = try Axes.normalized(
        inputAxes == nil ? axis : Self.entry(inputAxes, place), rank: dimensions.count)
      guard let count = dimensions[axis].size else {
        throw .unsupported(what: "a sequence of unknown length")
      }
      result.append(
        Sequence(
          value: input, axis: axis, count: count,
          isReversed: Self.entry(reversesInputs, place) != 0))
    }
    return result
  }

  /// An entry of a list that may be left out.
  private static func entry(_ list: [Int]?, _ place: Int) -> Int {
    guard let list, list.indices.contains(place) else { return 0 }
    return list[place]
  }
}
