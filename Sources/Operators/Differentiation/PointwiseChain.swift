import GraphIR
import Quantizers
import TensorCore

/// Element-wise steps in one pass over memory, each of them optional:
///
///     v = x, or gamma (x - mean) / sqrt(var + epsilon) + beta, then + second
///     r = max(v, 0)
///     q = clip(round(r / s)) for up to two activation quantizers, y = q s
///
/// Made by fusion for training, never read from a file. Inputs: X; the second summand; scale, B, mean and var
/// of the normalisation; p = log2 of each quantizer's clipping statistic. Outputs: r as floats where
/// `yieldsValues`, then each quantizer's y, held as integers.
///
/// Gradients: batch normalisation's through its statistics, unless frozen; straight through the rounding, none
/// to a clipped value; dL/dp = ln2 s sum of G (q - r / s) inside and G q outside.
public struct PointwiseChain: Operator {
  public static let schema = OperatorSchema(
    domain: "snug.training", "PointwiseChain", inputs: 1...8, outputs: 1...3,
    inputTypes: [.float])

  /// Batch normalisation over dimension 1.
  public struct Normalization: Sendable, Hashable {
    public var epsilon: Float
    /// The share of the old running statistics that stays at each step.
    public var momentum: Float

    public init(epsilon: Float, momentum: Float) {
      self.epsilon = epsilon
      self.momentum = momentum
    }
  }

  public var normalization: Normalization?
  public var addsSecond: Bool
  public var rectifies: Bool
  public var formats: [ActivationFormat]
  public var yieldsValues: Bool
  /// True where the quantizers' inputs are their steps s rather than p, as in a model that is trained already.
  public var takesSteps: Bool

  public init(
    normalization: Normalization? = nil, addsSecond: Bool = false, rectifies: Bool = false,
    formats: [ActivationFormat] = [], yieldsValues: Bool, takesSteps: Bool = false
  ) {
    self.normalization = normalization
    self.addsSecond = addsSecond
    self.rectifies = rectifies
    self.formats = formats
    self.yieldsValues = yieldsValues
    self.takesSteps = takesSteps
  }

  public func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    [TensorType?](repeating: inputs.type(0), count: formats.count + (yieldsValues ? 1 : 0))
  }

  /// Whether nothing but a sum is computed.
  var isPlainSum: Bool {
    addsSecond && normalization == nil && !rectifies && formats.isEmpty
  }

  /// Where inputs stand.
  var secondPosition: Int { 1 }
  var normalizationPosition: Int { addsSecond ? 2 : 1 }
  func statisticPosition(_ quantizer: Int) -> Int {
    1 + (addsSecond ? 1 : 0) + (normalization == nil ? 0 : 4) + quantizer
  }
}

extension PointwiseChain: DifferentiableOperator {
  /// - Throws: always; inference runs the operators that a chain was made from.
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    throw .operator(.unsupported(what: "a training-time operator in inference"))
  }

  public func makeTrainingKernel(_ context: TrainingContext) throws(KernelError)
    -> any TrainingKernel
  { try ChainKernel(self, context) }
}
