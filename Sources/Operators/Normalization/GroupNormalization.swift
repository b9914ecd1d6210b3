import Execution
import GraphIR
import TensorCore

/// `y = scale * (x - mean) / sqrt(variance + epsilon) + bias`, with the statistics of each group of channels of
/// each sample (ONNX GroupNormalization, opset 18, 21).
///
/// Inputs: X `[N, C, ...]`; scale and bias `[C]`, in opset 18 to 20 `[groups]`.
package struct GroupNormalization: SerializableOperator, ExecutableOperator {
  package static let schema = OperatorSchema(
    "GroupNormalization", since: 18, inputs: 3...3, inputTypes: [.float])

  package var groups: Int
  package var epsilon: Float
  /// True before opset 21.
  package var hasParametersOfGroups: Bool

  package init(groups: Int, epsilon: Float = 1e-5, hasParametersOfGroups: Bool = false) {
    self.groups = groups
    self.epsilon = epsilon
    self.hasParametersOfGroups = hasParametersOfGroups
  }

  package init(attributes: AttributeReader) throws(OperatorError) {
    guard let groups = try attributes.int("num_groups") else {
      throw .missingAttribute(name: "num_groups")
    }
    guard groups > 0 else {
      throw .attributeValue(name: "num_groups", value: "\(groups)", allowed: "1 or more")
    }
    let stashType = try attributes.int("stash_type", default: 1)
    guard stashType == 1 else {
      throw .unsupported(what: "statistics of another type than float (stash_type \(stashType))")
    }
    self.init(
      groups: groups, epsilon: try attributes.float("epsilon", default: 1e-5),
      hasParametersOfGroups: attributes.opset < 21)
  }

  package func attributes() -> [Attribute] {
    [Attribute("num_groups", .int(Int64(groups))), Attribute("epsilon", .float(epsilon))]
  }

  /// Opset 21: a scale and a bias for each channel, rather than for each group.
  package func raise(_ node: NodeID, in graph: inout Graph, across opsets: OpsetRange)
    throws(OperatorError) -> String?
  {
    guard hasParametersOfGroups, opsets.crosses(21) else { return nil }
    let data = graph.input(node, 0).flatMap { graph[$0].type?.dimensions }
    guard let data, data.count > 1, let channels = data[1].size, channels % groups == 0 else {
      throw .unsupported(what: "a number of channels that isn't known")
    }
    let steps: [(op: any Operator, shape: [Int])] = [
      (Reshape(), [groups, 1]), (Expand(), [groups, channels / groups]), (Reshape(), [channels]),
    ]
    for (position, name) in [(1, "_scale"), (2, "_bias")] {
      var constant = graph.input(node, position).flatMap { graph[$0].constant }
      for (index, step) in steps.enumerated() {
        let shape = Tensor(step.shape.map(Int64.init), shape: [step.shape.count])
        if let known = constant {
          let results = try? ConstantEvaluator.evaluate(step.op, inputs: [known, shape])
          guard let result = results?.first else {
            throw .unsupported(what: "parameters of type \(known.elementType.onnxName)")
          }
          constant = result
        } else {
          let suffix = "\(name)_\(index)"
          let target = graph.addConstant(name: graph[node].name + suffix, shape)
          graph.insert(step.op, before: node, position, inputs: [target], suffix)
        }
      }
      if let constant { graph.setInput(node, position, toConstant: constant, name) }
    }
    graph[node].op = GroupNormalization(groups: groups, epsilon: epsilon)
    return "parameters of channels"
  }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    _ = try inputs.requireRank(0, atLeast: 2)
    let channels = inputs.dimensions(0)?[1]
    if let count = channels?.size, count % groups != 0 {
      throw .mismatch(
        what: "number of channels", expected: "a multiple of \(groups)", actual: "\(count)")
    }
    for (index, name) in [(1, "scale"), (2, "bias")] {
      try inputs.requireVector(
        index, name, count: hasParametersOfGroups ? .fixed(groups) : channels)
    }
    return [inputs.type(0)]
  }
}

extension GroupNormalization: RowNormalizing {
  func rows(_ context: KernelContext) throws(KernelError) -> RowNormalization {
    let shape = try context.input(0).shape
    let positions = shape[2...].reduce(1, *)
    let length = shape[1] / groups * positions
    return RowNormalization(
      rows: shape[0] * groups, length: length, period: groups,
      step: hasParametersOfGroups ? length : positions, epsilon: Double(epsilon))
  }
}
