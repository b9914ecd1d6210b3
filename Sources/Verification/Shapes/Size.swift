import GraphIR

/// One dimension of a tensor, or one element of a vector that a model computes from dimensions.
///
/// Names are the verifier's own: a name stands for the size of one axis of one value in one run, so that two equal names
/// are equal numbers whatever the file calls them. The symbols in the types of a file are claims and play no part.
enum Size: Hashable {
  case known(Int)
  /// The size of an axis of a value, which is not known but the same wherever the name stands.
  case named(Name)
  case unknown

  struct Name: Hashable {
    let value: ValueID
    let axis: Int
    /// Whether it is a dimension of what a caller feeds, which is at least 1 (docs/certificate.md); others may be 0.
    let isPositive: Bool
  }

  var known: Int? {
    if case .known(let size) = self { size } else { nil }
  }

  /// The size as a dimension: a negative number is none.
  var dimension: Size { known.map { $0 < 0 } == true ? .unknown : self }

  /// Whether the number is certainly another one.
  func differs(from other: Size) -> Bool {
    switch (self, other) {
    case (.known(let a), .known(let b)): a != b
    // No dimension is negative.
    case (.named(let name), .known(let number)), (.known(let number), .named(let name)):
      number < 0 || number == 0 && name.isPositive
    default: false
    }
  }

  /// Whether both are certainly the same number.
  func equals(_ other: Size) -> Bool { self != .unknown && self == other }
}

extension Size: ExpressibleByIntegerLiteral {
  init(integerLiteral value: Int) { self = .known(value) }
}

extension Size {
  /// A size that `nil` stands for where it isn't known.
  init(_ size: Int?) { self = size.map { .known($0) } ?? .unknown }
}

/// A product of sizes: a number, and the names that it is multiplied by.
struct SizeProduct {
  private(set) var number = 1
  private(set) var names: [Size.Name] = []

  /// The product of sizes; `nil` where one is unknown or negative, or beyond 64 bits.
  init?(_ sizes: some Sequence<Size>) {
    for size in sizes {
      switch size {
      case .unknown: return nil
      case .named(let name): names.append(name)
      case .known(let factor):
        let (product, overflow) = number.multipliedReportingOverflow(by: factor)
        guard factor >= 0, !overflow else { return nil }
        number = product
      }
    }
  }

  /// The product as one size, where it is one.
  var size: Size {
    switch names.count {
    case 0: .known(number)
    case 1 where number == 1: .named(names[0])
    default: .unknown
    }
  }

  /// The size that `divisor` has to be multiplied by to give this product; unknown where that may be 0 itself.
  func divided(by divisor: SizeProduct) -> Size {
    var rest = names
    for name in divisor.names {
      guard name.isPositive, let index = rest.firstIndex(of: name) else { return .unknown }
      rest.remove(at: index)
    }
    guard divisor.number > 0, number % divisor.number == 0 else { return .unknown }
    var quotient = self
    (quotient.number, quotient.names) = (number / divisor.number, rest)
    return quotient.size
  }
}
