/// The settings of an optimizer besides the learning rate; defaults are those of PyTorch, but for SGD's momentum.
public struct OptimizerSettings: Sendable, Hashable {
  public var kind: OptimizerKind
  /// The momentum mu of SGD, in 0..<1.
  public var momentum: Double = 0.9
  /// Adam's beta 1, in 0..<1: the part of the mean of gradients that a step keeps.
  public var firstBeta: Double = 0.9
  /// Adam's beta 2, in 0..<1: the part of the mean of squared gradients that a step keeps.
  public var secondBeta: Double = 0.999
  /// Adam's epsilon, positive, which is added to the root of the mean of squared gradients.
  public var epsilon: Double = 1e-8
  /// The factor lambda of weight decay, not negative. With ``OptimizerKind/adamw`` a step subtracts
  /// learningRate * lambda times a weight from it.
  public var weightDecay: Double = 0

  public init(_ kind: OptimizerKind) { self.kind = kind }

  /// Checks every setting, whether or not ``kind`` uses it.
  ///
  /// - Throws: ``OptimizerError/setting(_:expected:actual:)``.
  public func validate() throws(OptimizerError) {
    let unit = OptimizerError.Requirement.fromZeroBelowOne
    try Self.check(.momentum, momentum, unit)
    try Self.check(.firstBeta, firstBeta, unit)
    try Self.check(.secondBeta, secondBeta, unit)
    try Self.check(.epsilon, epsilon, .positive)
    try Self.check(.weightDecay, weightDecay, .notNegative)
  }

  private static func check(
    _ setting: OptimizerError.Setting, _ value: Double, _ requirement: OptimizerError.Requirement
  ) throws(OptimizerError) {
    guard requirement.admits(value) else {
      throw .setting(setting, expected: requirement, actual: value)
    }
  }
}
