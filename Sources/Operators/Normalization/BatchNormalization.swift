import CKernels
import DNNEngine
import Execution
import GraphIR
import TensorCore

/// `y = scale * (x - mean) / sqrt(var + epsilon) + B` per channel, with the given statistics (ONNX
/// BatchNormalization, opset 7, 9, 14, 15).
///
/// Inputs: X `[N, C, ...]`, scale, B, mean, var `[C]`. With `training_mode` the statistics are those of X, and the
/// further outputs are the running ones. The training outputs before opset 14, which no attribute asks for,
/// are refused.
package struct BatchNormalization: SerializableOperator, ExecutableOperator {
  package static let schema = OperatorSchema(
    "BatchNormalization", inputs: 5...5, outputs: 1...5, inputTypes: [.float])

  private var channels: ChannelNormalizationForm {
    ChannelNormalizationForm(epsilon: epsilon, momentum: momentum)
  }

  package var channelNormalization: ChannelNormalizationForm? {
    usesBatchStatistics ? nil : channels
  }

  package var epsilon: Float
  package var momentum: Float
  /// `training_mode`: whether X itself gives the statistics.
  package var usesBatchStatistics: Bool

  package init(epsilon: Float = 1e-5, momentum: Float = 0.9, usesBatchStatistics: Bool = false) {
    self.epsilon = epsilon
    self.momentum = momentum
    self.usesBatchStatistics = usesBatchStatistics
  }

  package init(attributes: AttributeReader) throws(OperatorError) {
    if attributes.opset < 9, try attributes.int("spatial", default: 1) != 1 {
      throw .unsupported(what: "statistics per activation (spatial = 0)")
    }
    self.init(
      epsilon: try attributes.float("epsilon", default: 1e-5),
      momentum: try attributes.float("momentum", default: 0.9),
      usesBatchStatistics: try attributes.bool("training_mode", default: false))
    guard epsilon >= 0 else {
      throw .attributeValue(name: "epsilon", value: "\(epsilon)", allowed: "0 or more")
    }
  }

  package func attributes() -> [Attribute] {
    [Attribute("epsilon", .float(epsilon)), Attribute("momentum", .float(momentum))]
      + (usesBatchStatistics ? [Attribute("training_mode", .int(1))] : [])
  }

  package func raise(_ node: NodeID, in graph: inout Graph, across opsets: OpsetRange)
    throws(OperatorError) -> String?
  {
    guard opsets.crosses(14), graph[node].outputs.count > 1 else { return nil }
    guard graph.dropOutputs(node, from: 1) else {
      throw .unsupported(what: "statistics as outputs before opset 14, in opset \(opsets.to)")
    }
    return "without statistics as outputs"
  }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    let rank = try inputs.requireRank(0, atLeast: 1)
    // A one-dimensional input has one channel.
    let channels = rank == 1 ? 1 : inputs.dimensions(0)?[1]
    for (index, name) in ["scale", "B", "mean", "var"].enumerated() {
      try inputs.requireVector(index + 1, name, count: channels)
    }
    guard usesBatchStatistics else { return [inputs.type(0)] }
    return [inputs.type(0), inputs.type(3), inputs.type(4)]
  }
}

extension BatchNormalization: DifferentiableOperator {
  /// One multiplication and addition an element, over the layout in which the input stands.
  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    if usesBatchStatistics { return try makeBatchKernel(context) }
    try context.requireSingleOutput("BatchNormalization in training mode before opset 14")
    let x = try context.floatInput(0)
    for index in 1...4 { _ = try context.floatInput(index) }
    var (nest, layout) = (
      KernelInput.rowMajorNest([x.type.count, 1], 1), TensorLayout.rowMajor
    )
    // A one-dimensional input has one channel.
    if x.shape.count > 1 { (nest, layout) = try x.nest(around: 1) }
    let factor = ScratchBuffer(nest, neutral: 0)
    let offset = ScratchBuffer(nest, neutral: 0)
    var requests = context.rowMajorInputs
    requests[0] = .layout(layout)
    let epsilon = epsilon
    let slope = context.epilogue.reluSlope ?? 1
    let outputs = [layout] + [TensorLayout](repeating: .rowMajor, count: context.outputs.count - 1)
    return ClosureKernel(inputs: requests, outputs: outputs, overwritableInput: 0) {
      [nest] operands in
      let (scale, bias) = (operands.input(1, as: Float.self), operands.input(2, as: Float.self))
      let (mean, variance) = (
        operands.input(3, as: Float.self), operands.input(4, as: Float.self)
      )
      for channel in 0..<nest.count {
        let a = scale[channel] / (variance[channel] + epsilon).squareRoot()
        factor.pointer[channel] = a
        offset.pointer[channel] = bias[channel] - mean[channel] * a
      }
      let x = operands.input(0, as: Float.self)
      let y = operands.output(as: Float.self)
      let (a, b) = (factor.pointer, offset.pointer)
      nest.forEachPart(sharing: x, y, a, b) { parts, x, y, a, b in
        for (offset, count, entry) in parts {
          if nest.block > 1 {
            snug_affine_rows(x + offset, y + offset, count, nest.block, a + entry, b + entry, slope)
          } else {
            snug_affine(x + offset, y + offset, count, a[entry], b[entry], slope)
          }
        }
      }
    }
  }

  /// Mean and population variance of each channel in double precision; the running statistics keep `momentum` of
  /// what they were.
  private func makeBatchKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    let shape = try context.floatInput(0).shape
    for index in 1...4 { _ = try context.floatInput(index) }
    let channels = shape.count > 1 ? shape[1] : 1
    let positions = shape.dropFirst(2).reduce(1, *)
    let count = shape[0] * positions
    guard count > 0 || channels == 0 else {
      throw .operator(.outOfRange(what: "elements of a channel", value: 0, allowed: "1 or more"))
    }
    let (epsilon, momentum) = (Double(epsilon), Double(momentum))
    let isRead = (0..<3).map { context.outputs.indices.contains($0) && context.outputs[$0] != nil }
    return ClosureKernel(context) { operands in
      let x = operands.input(0, as: Float.self)
      let parameters = (1...4).map { operands.input($0, as: Float.self) }
      for channel in 0..<channels {
        func forEach(_ body: (Int) -> Void) {
          for sample in 0..<shape[0] {
            let first = (sample * channels + channel) * positions
            for index in first..<first + positions { body(index) }
          }
        }
        var (sum, squares) = (0.0, 0.0)
        forEach { sum += Double(x[$0]) }
        let mean = sum / Double(count)
        forEach { squares += (Double(x[$0]) - mean) * (Double(x[$0]) - mean) }
        let variance = squares / Double(count)
        if isRead[0] {
          let y = operands.output(0, as: Float.self)
          let factor = Double(parameters[0][channel]) / (variance + epsilon).squareRoot()
          let bias = Double(parameters[1][channel])
          forEach { y[$0] = Float((Double(x[$0]) - mean) * factor + bias) }
        }
        for (index, statistic) in [(1, mean), (2, variance)] where isRead[index] {
          let old = Double(parameters[index + 1][channel])
          operands.output(index, as: Float.self)[channel] =
            Float(old * momentum + statistic * (1 - momentum))
        }
      }
    }
  }

  /// In training the statistics are those of the batch, and enter the running ones by `momentum`.
  package func makeTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  {
    try context.kernel.requireSingleOutput("running statistics as results")
    return try ChainKernel(PointwiseChain(.values, normalization: channels), context)
  }
}

extension BatchNormalization: FusibleOperator {
  package func absorption(_ inputs: [ConcreteType?]) -> Absorption {
    usesBatchStatistics ? [] : .rectifier
  }
}
