/// One parameter tensor inside the flat buffer of all parameters.
package struct ParameterSegment: Sendable, Hashable {
  /// Names the tensor in messages.
  package var name: String
  /// The tensor's elements in the flat buffer.
  package var range: Range<Int>
  /// Whether weight decay applies: true for weights; false for biases, normalization, scales and norms,
  /// which decay would pull away from what they measure.
  package var decays: Bool

  package init(name: String, range: Range<Int>, decays: Bool) {
    self.name = name
    self.range = range
    self.decays = decays
  }
}

extension Collection where Element == ParameterSegment {
  /// Whether the segments follow each other and together cover exactly the elements `0..<count`.
  package func cover(_ count: Int) -> Bool {
    var end = 0
    for segment in self {
      guard segment.range.lowerBound == end else { return false }
      end = segment.range.upperBound
    }
    return end == count
  }
}
