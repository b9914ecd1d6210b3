import GraphIR
import TensorCore

extension Resize {
  /// Opset 11: from asymmetric coordinates by the previous position, or the next one where the axis shrinks, to the same
  /// with names; a nearest neighbour on axes of both kinds takes two nodes. Opset 13: no tf_half_pixel_for_nn, and inputs
  /// absent rather than empty.
  package func raise(_ node: NodeID, in graph: inout Graph, across opsets: OpsetRange)
    throws(OperatorError) -> String?
  {
    if isOld {
      guard opsets.crosses(11) else { return nil }
      try Self.write(resampling, scales: graph.input(node, 1), node, in: &graph, across: opsets)
      return "scales after the region"
    }
    guard opsets.crosses(13) else { return nil }
    var resize = self
    if resampling.coordinates == .tfHalfPixelForNearest {
      guard resampling.mode == .nearest, resampling.rounding == .floor else {
        throw .unsupported(
          what:
            "tf_half_pixel_for_nn, which ended with opset 12, other than with nearest_mode floor"
        )
      }
      // What it names is by half a position after half_pixel.
      resize.resampling.coordinates = .halfPixel
      resize.resampling.rounding = .roundPreferCeil
      graph[node].op = resize
    }
    var inputs = graph[node].inputs.enumerated().map { position, input in
      position > 0 && input.flatMap { graph[$0].constant }?.count == 0 ? nil : input
    }
    while inputs.last == .some(nil) { inputs.removeLast() }
    let hasChanged = inputs != graph[node].inputs
    if hasChanged { graph.setInputs(node, to: inputs) }
    return resize != self ? "half_pixel" : hasChanged ? "empty inputs absent" : nil
  }

  /// Writes a node of data and scales, as opset 10 and before have it, as one of opset 11 or later.
  ///
  /// - Throws: ``OperatorError/needsConstant(input:)`` where the scales tell the neighbour, and are computed.
  static func write(
    _ old: Resampling, scales: ValueID?, _ node: NodeID, in graph: inout Graph,
    across opsets: OpsetRange
  ) throws(OperatorError) {
    guard let data = graph.input(node, 0), let scales else {
      throw .missingInput(index: 1, name: "scales")
    }
    var resampling = old
    resampling.rounding = .floor
    let region =
      opsets.to < 13
      ? graph.addConstant(name: graph[node].name + "_region", Tensor([Float](), shape: [0])) : nil
    guard old.mode == .nearest, old.rounding == .simple else {
      graph[node].op = Resize(resampling)
      graph.setInputs(node, to: [data, region, scales])
      return
    }
    guard let factors = graph[scales].constant?.convertedToFloat()?.elements(of: Float.self)
    else {
      throw .needsConstant(input: "scales")
    }
    var shrinking = resampling
    shrinking.rounding = .ceil
    if factors.allSatisfy({ $0 >= 1 }) || factors.allSatisfy({ $0 <= 1 }) {
      graph[node].op = Resize(factors.allSatisfy { $0 >= 1 } ? resampling : shrinking)
      graph.setInputs(node, to: [data, region, scales])
      return
    }
    let (growth, rest) = (factors.map { max($0, 1) }, factors.map { min($0, 1) })
    let name = graph[node].name
    let first = graph.addConstant(name: name + "_growth", Tensor(growth, shape: [growth.count]))
    let second = graph.addConstant(name: name + "_rest", Tensor(rest, shape: [rest.count]))
    graph[node].op = Resize(resampling)
    graph.setInputs(node, to: [data, region, first])
    graph.insert(Resize(shrinking), behind: node, inputs: [region, second], "_shrunk")
  }
}
