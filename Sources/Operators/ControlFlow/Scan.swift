import GraphIR
import TensorCore

/// A subgraph that runs over the slices of sequences (ONNX Scan, opset 9, 11, 16 to 25).
///
/// Inputs: values carried from one iteration to the next, then the sequences. The body takes the values and one
/// slice of each sequence; it gives the values, and one slice of each output sequence.
public struct Scan: ControlFlowOperator {
  public static let schema = OperatorSchema(
    "Scan", since: 9, inputs: 1...Int.max, outputs: 1...Int.max)

  private let body: Subgraph
  private let sequenceCount: Int
  private let inputAxes: [Int]?
  private let outputAxes: [Int]?
  /// Of which sequences the last slice comes first.
  private let reversesInputs: [Int]?
  private let reversesOutputs: [Int]?
  private let raw: [Attribute]
  private let opset: Int

  public init(attributes: AttributeReader) throws(OperatorError) {
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
    inputAxes = try attributes.ints("scan_input_axes")
    outputAxes = try attributes.ints("scan_output_axes")
    reversesInputs = try attributes.ints("scan_input_directions")
    reversesOutputs = try attributes.ints("scan_output_directions")
    raw = attributes.attributes
    opset = attributes.opset
  }

  public func attributes() -> [Attribute] { raw }

  public func inline(_ node: Node, _ inliner: inout ControlFlowInliner) throws(OperatorError) {
    let body = try body.decoded()
    guard node.inputs.count >= sequenceCount else {
      throw .arity(what: "inputs", expected: sequenceCount...Int.max, actual: node.inputs.count)
    }
    var carried = Array(node.inputs.dropLast(sequenceCount))
    let stacked = body.graph.outputs.count - carried.count
    guard stacked >= 0, node.outputs.count <= body.graph.outputs.count else {
      throw .arity(
        what: "outputs of the body", expected: node.outputs.count...Int.max,
        actual: body.graph.outputs.count)
    }
    let sequences = try sequences(node, inliner.graph)
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
      let prefix = "\(node.name)/\(iteration)/"
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

  private struct Sequence {
    var value: ValueID
    var axis: Int
    var count: Int
    var isReversed: Bool
  }

  private func sequences(_ node: Node, _ graph: Graph) throws(OperatorError) -> [Sequence] {
    var result: [Sequence] = []
    for (place, input) in node.inputs.suffix(sequenceCount).enumerated() {
      guard let input else {
        throw .missingInput(index: node.inputs.count - sequenceCount + place, name: "sequence")
      }
      guard let dimensions = graph[input].type?.dimensions else {
        throw .unsupported(what: "a sequence of unknown length")
      }
      let axis = try Axes.normalized(Self.entry(inputAxes, place), rank: dimensions.count)
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
