/// Axes that are an attribute in older opset versions and an input in newer ones.
package enum AxesSource: Sendable, Hashable {
  case attribute([Int])
  /// Read from the optional second input.
  case input
}
