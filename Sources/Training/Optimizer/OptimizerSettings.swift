/// What an optimizer needs beside the learning rate; defaults are those of PyTorch, but for SGD's momentum.
public struct OptimizerSettings: Sendable, Hashable {
  public var kind: OptimizerKind
  /// mu of SGD, in 0..<1.
  public var momentum: Double = 0.9
  /// beta 1 of Adam, in 0..<1: what the mean of gradients keeps a step.
  public var firstBeta: Double = 0.9
  /// beta 2 of Adam, in 0..<1: what the mean of squares keeps a step.
  public var secondBeta: Double = 0.999
  /// Added to the root of the mean of squares; positive.
  public var epsilon: Double = 1e-8
  /// lambda, not negative. For ``OptimizerKind/adamw`` a step takes learningRate * lambda of a weight away.
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
