/// Why a text is not an augmentation.
package enum AugmentationError: Error, Sendable, Hashable {
  /// An item is none of those that there are.
  case unknown(item: String)
  /// Two items set the same thing.
  case repeated(item: String)
  /// The value of an item is missing or not allowed.
  case value(item: String, expected: String)
}

extension AugmentationError: CustomStringConvertible {
  /// One line that names the item and says what is allowed.
  package var description: String {
    switch self {
    case .unknown(let item):
      "augmentation '\(item)' is not known; give 'none', or a list of 'flip', 'vflip', 'crop=4', "
        + "'jitter=0.2', 'brightness=0.2', 'contrast=0.2', 'saturation=0.2' and 'patch=96'"
    case .repeated(let item): "augmentation '\(item)' sets what was set before it; leave one out"
    case .value(let item, let expected): "augmentation '\(item)' is not valid; give \(expected)"
    }
  }
}
