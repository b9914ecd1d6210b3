/// A dimension of a tensor, whose size may be unknown before the model runs.
public enum Dimension: Sendable, Hashable {
  case fixed(Int)
  /// A size that the file names by a `dim_param`, such as a dynamic batch.
  case symbolic(String)
  case unknown

  /// The size where it is fixed.
  public var size: Int? {
    if case .fixed(let size) = self { size } else { nil }
  }
}

extension Dimension: ExpressibleByIntegerLiteral {
  public init(integerLiteral value: Int) { self = .fixed(value) }
}

extension Dimension: CustomStringConvertible {
  public var description: String {
    switch self {
    case .fixed(let size): "\(size)"
    case .symbolic(let name): name
    case .unknown: "?"
    }
  }
}

/// The static type of a value: its element type and, where the rank is known, its dimensions.
public struct TensorType: Sendable, Hashable {
  public var elementType: ElementType
  /// The dimensions; `nil` where even the rank is unknown.
  public var dimensions: [Dimension]?

  public init(_ elementType: ElementType, _ dimensions: [Dimension]?) {
    self.elementType = elementType
    self.dimensions = dimensions
  }

  public init(_ elementType: ElementType, shape: [Int]) {
    self.init(elementType, shape.map(Dimension.fixed))
  }

  public var rank: Int? { dimensions?.count }

  /// The shape; `nil` unless every dimension is fixed.
  public var shape: [Int]? {
    guard let dimensions else { return nil }
    var shape: [Int] = []
    for dimension in dimensions {
      guard let size = dimension.size else { return nil }
      shape.append(size)
    }
    return shape
  }
}

extension TensorType: CustomStringConvertible {
  public var description: String {
    let inside = dimensions?.map(\.description).joined(separator: "x") ?? "*"
    return "\(elementType.onnxName)[\(inside)]"
  }
}
