import GraphIR
import Operators
import TensorCore

extension FusedOperatorDecomposition {
  /// SkipLayerNormalization(x, skip, gamma, beta, bias): of x + skip + bias, which is the fourth output.
  static func skipLayerNormalization(
    _ rewrite: Rewrite, _ attributes: AttributeReader, _ graph: inout Graph
  ) throws(OperatorError) -> Bool {
    let epsilon = try attributes.float("epsilon", default: 1e-12)
    guard !rewrite.isRead(1, in: graph), !rewrite.isRead(2, in: graph) else { return false }
    graph.remove(rewrite.node.id)
    let sum = rewrite.skipped(bias: rewrite.input(4), in: &graph)
    rewrite.normalize(
      sum, scale: rewrite.input(2), bias: rewrite.input(3), epsilon: epsilon, in: &graph)
    return true
  }

  /// SkipSimplifiedLayerNormalization(x, skip, gamma, bias): the same by the root of the mean square.
  static func skipRootMeanSquare(
    _ rewrite: Rewrite, _ attributes: AttributeReader, _ graph: inout Graph
  ) throws(OperatorError) -> Bool {
    let epsilon = try attributes.float("epsilon", default: 1e-12)
    guard !rewrite.isRead(1, in: graph), !rewrite.isRead(2, in: graph) else { return false }
    graph.remove(rewrite.node.id)
    let sum = rewrite.skipped(bias: rewrite.input(3), in: &graph)
    rewrite.scaleByRootMeanSquare(
      sum, scale: rewrite.input(2), epsilon: epsilon, in: &graph)
    return true
  }

  /// SimplifiedLayerNormalization(x, scale), over the last axis.
  static func rootMeanSquare(
    _ rewrite: Rewrite, _ attributes: AttributeReader, _ graph: inout Graph
  ) throws(OperatorError) -> Bool {
    let epsilon = try attributes.float("epsilon", default: 1e-5)
    guard try isOverLastAxis(rewrite, attributes, graph), !rewrite.isRead(1, in: graph) else {
      return false
    }
    graph.remove(rewrite.node.id)
    rewrite.scaleByRootMeanSquare(
      rewrite.input(0), scale: rewrite.input(1), epsilon: epsilon, in: &graph)
    return true
  }

  /// LayerNormalization(x, scale, bias), over the last axis.
  static func layerNormalization(
    _ rewrite: Rewrite, _ attributes: AttributeReader, _ graph: inout Graph
  ) throws(OperatorError) -> Bool {
    let epsilon = try attributes.float("epsilon", default: 1e-5)
    guard try isOverLastAxis(rewrite, attributes, graph), !rewrite.isRead(1, in: graph),
      !rewrite.isRead(2, in: graph)
    else { return false }
    graph.remove(rewrite.node.id)
    rewrite.normalize(
      rewrite.input(0), scale: rewrite.input(1), bias: rewrite.input(2), epsilon: epsilon,
      in: &graph)
    return true
  }

  private static func isOverLastAxis(
    _ rewrite: Rewrite, _ attributes: AttributeReader, _ graph: Graph
  ) throws(OperatorError) -> Bool {
    let axis = try attributes.int("axis", default: -1)
    let rank = rewrite.input(0).flatMap { graph[$0].type?.dimensions?.count }
    return axis == -1 || rank.map { axis == $0 - 1 } ?? false
  }
}

extension FusedOperatorDecomposition.Rewrite {
  /// The sum of the first two inputs and a bias; the fourth output where something reads it.
  fileprivate func skipped(bias: ValueID?, in graph: inout Graph) -> ValueID {
    let isOutput = isRead(3, in: graph)
    var summands = [input(0), input(1)]
    if let bias {
      summands = [add(Add(), "biased", summands, to: &graph), bias]
    }
    if isOutput, case let output? = node.outputs[3] {
      graph.addNode(Add(), name: node.name + "_sum", inputs: summands, outputs: [output])
      return output
    }
    return add(Add(), "sum", summands, to: &graph)
  }

  /// LayerNormalization over the last axis, as the first output.
  fileprivate func normalize(
    _ x: ValueID?, scale: ValueID?, bias: ValueID?, epsilon: Float, in graph: inout Graph
  ) {
    if opset >= LayerNormalization.schema.sinceVersion {
      finish(
        LayerNormalization(epsilon: epsilon), [x, scale] + (bias.map { [$0] } ?? []), to: &graph)
      return
    }
    let mean = mean(x, "mean", in: &graph)
    let centred = add(Sub(), "centred", [x, mean], to: &graph)
    let scaled = divideByDeviation(centred, epsilon, in: &graph)
    guard let bias else {
      finish(Mul(), [scaled, scale], to: &graph)
      return
    }
    finish(Add(), [add(Mul(), "scaled", [scaled, scale], to: &graph), bias], to: &graph)
  }

  /// RMSNormalization over the last axis, as the first output.
  fileprivate func scaleByRootMeanSquare(
    _ x: ValueID?, scale: ValueID?, epsilon: Float, in graph: inout Graph
  ) {
    if opset >= RMSNormalization.schema.sinceVersion {
      finish(RMSNormalization(epsilon: epsilon), [x, scale], to: &graph)
      return
    }
    finish(Mul(), [divideByDeviation(x, epsilon, in: &graph), scale], to: &graph)
  }

  /// x / sqrt(mean(x^2) + epsilon).
  private func divideByDeviation(_ x: ValueID?, _ epsilon: Float, in graph: inout Graph)
    -> ValueID
  {
    let square = add(Mul(), "square", [x, x], to: &graph)
    let variance = add(
      Add(), "variance",
      [mean(square, "mean_square", in: &graph), number(epsilon, "epsilon", in: &graph)],
      to: &graph)
    let deviation = add(Sqrt(), "deviation", [variance], to: &graph)
    return add(Div(), "normalized", [x, deviation], to: &graph)
  }

  /// The mean over the last axis, which stays as 1.
  private func mean(_ x: ValueID?, _ part: String, in graph: inout Graph) -> ValueID {
    if opset < ReduceMean.axesInputOpset {
      return add(ReduceMean(axes: ReductionAxes(.attribute([-1]))), part, [x], to: &graph)
    }
    let axes = integers([-1], part + "_axes", in: &graph)
    return add(
      ReduceMean(axes: ReductionAxes(.input(noopWithEmptyAxes: false))), part, [x, axes], to: &graph
    )
  }
}
