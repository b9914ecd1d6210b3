/// The registers in which hardware sums the products of a dot product, in one stage or two.
///
/// In two stages the registers of the first each take so many products, and that of the second adds what they hold.
/// A guarantee covers every order of adding within a register, so that it doesn't depend on whether a register
/// saturates or wraps; an emulation does.
public struct Registers: Sendable, Hashable {
  /// What a register does with a sum beyond its range.
  public enum Overflow: String, Sendable, Hashable, CaseIterable {
    case saturate
    case wrap
  }

  /// One register, or one of many alike.
  public struct Stage: Sendable, Hashable {
    /// The number of products that a register takes; `nil` for all that there are.
    public let length: Int?
    /// Its signed width in bits; `nil` for the width P that a file or the user states.
    public let bits: Int?
    public let overflow: Overflow
    /// Which products share a register; where several ways are given, each is allowed.
    public let products: [ProductOrder]

    public init(
      length: Int? = nil, bits: Int?, overflow: Overflow, products: [ProductOrder] = [.stored]
    ) {
      self.length = length
      self.bits = bits
      self.overflow = overflow
      self.products = products
    }
  }

  public let name: String
  public let stages: [Stage]
  public let operands: RegisterOperands
  /// Where it is known from.
  public let source: String

  /// Makes a description.
  ///
  /// - Throws: ``RegistersError`` where it describes no registers that a guarantee can be given for.
  public init(
    name: String, stages: [Stage], operands: RegisterOperands = .values, source: String = ""
  ) throws(RegistersError) {
    guard (1...2).contains(stages.count) else { throw .stageCount(stages.count) }
    for (index, stage) in stages.enumerated() {
      if let bits = stage.bits, !Self.widths.contains(bits) { throw .bits(bits, stage: index) }
      if let length = stage.length, length < 1 { throw .length(length, stage: index) }
      guard !stage.products.isEmpty, Set(stage.products).count == stage.products.count else {
        throw .products(stage: index)
      }
      if (stage.length == nil) != (index == stages.count - 1) { throw .lengths(stage: index) }
    }
    if stages.count == 2, stages[1].bits == nil { throw .outerBits }
    // Sums of codes may leave the last register and come back, which does no harm where it wraps.
    if operands != .values, stages.count == 1 || stages[1].overflow == .saturate {
      throw .operands
    }
    self.name = name
    self.stages = stages
    self.operands = operands
    self.source = source
  }

  /// The widths that a register may have.
  public static let widths = 2...64

  /// The width of the registers that sum products; `nil` for the one that a file or the user states.
  public var bits: Int? { stages[0].bits }

  /// The sum in two stages; `nil` for a single register.
  public var tiling: Tiling? {
    guard stages.count == 2, let size = stages[0].length, let outer = stages[1].bits else {
      return nil
    }
    return Tiling(
      size: size, outerBits: outer, orders: stages[0].products, operands: operands)
  }
}

/// Why a description of registers can't be used.
public enum RegistersError: Error, Sendable, Hashable {
  case stageCount(Int)
  case bits(Int, stage: Int)
  case length(Int, stage: Int)
  case products(stage: Int)
  /// A stage before the last takes all products, or the last one doesn't.
  case lengths(stage: Int)
  case outerBits
  /// Bytes as operands of a single register, or before one that saturates.
  case operands
  /// A member of the description is missing or of another kind.
  case member(String, expected: String)
  case unknownMember(String)
}

extension RegistersError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .stageCount(let count): "has \(count) stages; give one or two"
    case .bits(let bits, let stage):
      "stage \(stage + 1): bits is \(bits); allowed: \(Registers.widths.lowerBound) to \(Registers.widths.upperBound)"
    case .length(let length, let stage):
      "stage \(stage + 1): length is \(length); allowed: 1 and up"
    case .products(let stage):
      "stage \(stage + 1): products must be one or several of "
        + ProductOrder.allCases.map(\.rawValue).joined(separator: ", ") + ", each once"
    case .lengths(let stage):
      "stage \(stage + 1): the first of two stages needs a length, and the last stage takes none"
    case .outerBits: "stage 2: bits is missing"
    case .operands: "operands other than values need two stages, of which the last wraps"
    case .member(let name, let expected): "\(name): give \(expected)"
    case .unknownMember(let name): "'\(name)' is no member of a description of registers"
    }
  }
}
