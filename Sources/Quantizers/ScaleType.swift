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
