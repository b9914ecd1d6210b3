/// What the scale of a quantizer may be.
public enum ScaleType: String, Sendable, Hashable, Codable, CaseIterable {
  /// Any positive number.
  case float
  /// A power of two, so that hardware scales by shifting.
  case powerOfTwo = "power-of-two"
}
