import GraphIR
import Quantizers
import TensorCore

/// Element-wise steps in one pass over memory, each of them optional:
///
///     v = x, or gamma (x - mean) / sqrt(var + epsilon) + beta, then + second
///     r = max(v, 0)
///     q = clip(round(r / s)) for up to two activation quantizers, y = q s
///
/// Made for training and for inference on integers, never read from a file. Inputs: ``operands``, in that order.
/// Outputs: r as floats where ``Stages/values`` are yielded, then each quantizer's y, held as integers.
///
/// Gradients: batch normalisation's through its statistics, unless frozen; straight through the rounding, none
/// to a clipped value; dL/dp = ln2 s sum of G (q - r / s) inside and G q outside.
package struct PointwiseChain: Operator {
  package static let schema = OperatorSchema(
    domain: "snug.training", "PointwiseChain", inputs: 1...8, outputs: 1...3, inputTypes: [.float])

  /// What is computed besides a normalization and quantizers.
  package struct Stages: OptionSet, Sendable, Hashable {
    package let rawValue: Int
    package init(rawValue: Int) { self.rawValue = rawValue }

    /// Adds ``Operand/second``.
    package static let sum = Stages(rawValue: 1)
    /// r = max(v, 0), else r = v.
    package static let rectifier = Stages(rawValue: 2)
    /// Yields r as floats.
    package static let values = Stages(rawValue: 4)
  }

  /// An input of a chain.
  package enum Operand: Sendable, Hashable {
    case x
    /// The second summand.
    case second
    case scale, bias, mean, variance
    /// The parameter of the quantizer of that index.
    case quantizer(Int)

    /// Whether it has the chain's shape, and its elements go along the steps.
    var isData: Bool { self == .x || self == .second }
  }

  package var stages: Stages
  /// In training by the statistics of the batch, unless frozen.
  package var normalization: ChannelNormalizationForm?
  package var quantizers: [ChainQuantizer]

  package init(
    _ stages: Stages = [], normalization: ChannelNormalizationForm? = nil,
    quantizers: [ChainQuantizer] = []
  ) {
    self.stages = stages
    self.normalization = normalization
    self.quantizers = quantizers
  }

  /// The inputs in the order in which a node has them.
  package var operands: [Operand] {
    var operands: [Operand] = [.x]
    if stages.contains(.sum) { operands.append(.second) }
    if normalization != nil { operands += [.scale, .bias, .mean, .variance] }
    return operands + quantizers.indices.map(Operand.quantizer)
  }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    [TensorType?](repeating: inputs.type(0), count: firstQuantizedOutput + quantizers.count)
  }

  /// The output of the first quantizer.
  var firstQuantizedOutput: Int { stages.contains(.values) ? 1 : 0 }

  /// Whether nothing but a sum is computed.
  var isPlainSum: Bool {
    normalization == nil && quantizers.isEmpty && stages.subtracting(.values) == .sum
  }
}

/// An activation quantizer in a chain.
package struct ChainQuantizer: Sendable, Hashable {
  /// What the quantizer's input tells.
  package enum Parameter: Sendable, Hashable {
    /// p = log2 of the clipping statistic, which training moves.
    case log2Statistic
    /// The step s, as in a model that is trained already.
    case step
  }

  package var format: ActivationFormat
  package var parameter: Parameter

  package init(_ format: ActivationFormat, parameter: Parameter = .log2Statistic) {
    self.format = format
    self.parameter = parameter
  }

  /// s, from the value of the input.
  func step(_ value: Float) -> Float {
    switch parameter {
    case .log2Statistic: format.scale(log2Statistic: value)
    case .step: value
    }
  }
}

extension PointwiseChain: DifferentiableOperator {
  package func makeTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  { try ChainKernel(self, context) }
}
