/// How long the learning rate rises linearly at the start. Its text is `none`, `steps:500` or `epochs:1.5`.
public enum WarmUp: Sendable, Hashable {
  case none
  case steps(Int)
  case epochs(Double)

  /// The steps of the warm-up, rounded up; a double, since the product may exceed the integers.
  func steps(perEpoch: Int) -> Double {
    switch self {
    case .none: 0
    case .steps(let steps): Double(steps)
    case .epochs(let epochs): (epochs * Double(perEpoch)).rounded(.up)
    }
  }
}
