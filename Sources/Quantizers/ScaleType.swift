/// What the scale of a quantizer may be.
public enum ScaleType: String, Sendable, Hashable, Codable, CaseIterable {
  /// Any positive number.
  case float
  /// A power of two, so that hardware scales by shifting.
  case powerOfTwo = "power-of-two"

  /// The allowed scale nearest to a positive one, in octaves.
  func nearest(to scale: Float) -> Float {
    self == .float ? scale : exp2(log2(scale).rounded())
  }
}

/// Bounds of scales.
enum ScaleLimit {
  /// The least scale: a smaller one would lose digits, and its reciprocal be infinite.
  static let least = Float.leastNormalMagnitude
  /// Of values that are all 0, for which any scale is right. Its products with other scales are still numbers.
  static let ofZeros: Float = 1e-10
}
