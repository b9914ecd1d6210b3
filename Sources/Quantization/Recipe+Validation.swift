import Quantizers

/// A setting outside what the method or the exported format allows.
public struct RecipeError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The option's long name.
  public var option: String
  public var value: String
  public var allowed: String

  public var description: String { "\(option) is \(value); allowed: \(allowed)" }
}

extension Recipe {
  /// - Throws: ``RecipeError`` for the first setting that is out of range.
  public func validate() throws(RecipeError) {
    try check("weight-bits", weightBits, in: 2...8)
    try check("activation-bits", activationBits, in: 1...8)
    try check("accumulator-bits", accumulatorBits, in: 2...32)
    try check("io-bits", ioBits, in: 2...8)
    if let biasBits { try check("bias-bits", biasBits, in: BiasFormat.widths) }
    if let tileSize { try check("tile-size", tileSize, in: 1...Int(Int32.max)) }
    if let outerBits { try check("outer-bits", outerBits, in: 2...64) }
    try check("calibration-samples", calibrationSamples, in: 1...Int(Int32.max))
    try check("reconstruction-steps", reconstructionSteps ?? 0, in: 0...100_000)
    guard depthwiseMethod != .unconstrained else {
      throw RecipeError(
        option: "depthwise", value: depthwiseMethod.rawValue, allowed: "a2q+, a2q, exact")
    }
    for layer in layers {
      if let bits = layer.weightBits { try check("weight-bits", bits, in: 2...8) }
      if let bits = layer.activationBits { try check("activation-bits", bits, in: 1...8) }
      if let bits = layer.accumulatorBits { try check("accumulator-bits", bits, in: 2...32) }
      if let bits = layer.biasBits { try check("bias-bits", bits, in: BiasFormat.widths) }
      if let size = layer.tileSize { try check("tile-size", size, in: 0...Int(Int32.max)) }
      if let bits = layer.outerBits { try check("outer-bits", bits, in: 2...64) }
    }
  }

  /// Whether settings go together, once all are known.
  ///
  /// - Throws: ``RecipeError`` for the first that needs another one.
  func validateCombinations() throws(RecipeError) {
    let isTiled = tileSize != nil || layers.contains { ($0.tileSize ?? 0) > 0 }
    if let outerBits = outerBits ?? layers.lazy.compactMap(\.outerBits).first, !isTiled {
      throw RecipeError(
        option: "outer-bits", value: "\(outerBits)", allowed: "only together with tile-size")
    }
  }

  private func check(_ option: String, _ value: Int, in allowed: ClosedRange<Int>)
    throws(RecipeError)
  {
    guard allowed.contains(value) else {
      throw RecipeError(
        option: option, value: "\(value)",
        allowed: "\(allowed.lowerBound) to \(allowed.upperBound)")
    }
  }

  /// The override for a node of that name, all matching ones merged, later ones first.
  public func override(for name: String) -> LayerOverride {
    var merged = LayerOverride(match: name)
    for layer in layers where Self.matches(pattern: layer.match, name: name) {
      merged.quantize = layer.quantize ?? merged.quantize
      merged.method = layer.method ?? merged.method
      merged.weightBits = layer.weightBits ?? merged.weightBits
      merged.activationBits = layer.activationBits ?? merged.activationBits
      merged.accumulatorBits = layer.accumulatorBits ?? merged.accumulatorBits
      merged.biasBits = layer.biasBits ?? merged.biasBits
      merged.tileSize = layer.tileSize ?? merged.tileSize
      merged.outerBits = layer.outerBits ?? merged.outerBits
    }
    return merged
  }

  /// Whether `name` fits `pattern`, in which `*` stands for any run of characters.
  static func matches(pattern: String, name: String) -> Bool {
    let pattern = Array(pattern.utf8)
    let name = Array(name.utf8)
    let star = UInt8(ascii: "*")
    var p = 0
    var n = 0
    // Where to go on after a mismatch: behind the last star, one character further in the name.
    var retry: (p: Int, n: Int)?
    while n < name.count {
      if p < pattern.count, pattern[p] == star {
        retry = (p + 1, n)
        p += 1
      } else if p < pattern.count, pattern[p] == name[n] {
        p += 1
        n += 1
      } else if let last = retry {
        p = last.p
        n = last.n + 1
        retry = (last.p, n)
      } else {
        return false
      }
    }
    return pattern[p...].allSatisfy { $0 == star }
  }
}
