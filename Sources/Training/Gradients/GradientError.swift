import TensorCore

/// Why gradients can't be used.
package enum GradientError: Error, Sendable, Hashable {
  /// An element is NaN or infinite; this is the first in the order of the segments.
  case notFinite(segment: String, element: Int, isNaN: Bool)
}

extension GradientError: CustomStringConvertible {
  /// One line that names the parameter and says what to do.
  package var description: String {
    switch self {
    case .notFinite(let segment, let element, let isNaN):
      "the gradient of '\(segment.singleLine)' is \(isNaN ? "NaN" : "infinite") at element "
        + "\(element); use a lower learning rate, a longer warm-up, or check the data for extreme values"
    }
  }
}
