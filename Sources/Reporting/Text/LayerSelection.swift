import TensorCore
import Verification

/// A number that reports show of each layer, by which layers can be sorted and filtered.
public enum LayerColumn: String, Sendable, Hashable, CaseIterable {
  case dotLength = "k"
  case channels
  case weightBits = "weight"
  case inputBits = "input"
  case target, required
  case byType = "by-type"
  case headroom, zeros
  case products
  case bitOperations = "bit-operations"
  case luts

  /// The layer's number; `nil` where it has none. Zeros are in per cent.
  func value(of verdict: LayerVerdict, _ outputCounts: [String: Int]) -> Double? {
    let layer = verdict.layer
    var cost: LayerCost { LayerCost(verdict, outputCount: outputCounts[layer.output]) }
    switch self {
    case .dotLength: return layer.dotLength.map(Double.init)
    case .channels: return layer.channels.isEmpty ? nil : Double(layer.channels.count)
    case .weightBits: return layer.weight.map { Double($0.bits) }
    case .inputBits: return layer.input.map { Double($0.bits) }
    case .target: return verdict.targetBits.map(Double.init)
    case .required: return verdict.requiredBits.map(Double.init)
    case .byType: return layer.dataTypeBits.map(Double.init)
    case .headroom:
      guard let target = verdict.targetBits, let required = verdict.requiredBits else { return nil }
      return Double(target - required)
    case .zeros: return layer.weight.map { $0.zeroFraction * 100 }
    case .products: return cost.products.map(Double.init)
    case .bitOperations: return cost.bitOperations.map(Double.init)
    case .luts: return cost.luts.map(Double.init)
    }
  }
}

/// A condition on layers: a word, or a column with a comparison, such as `headroom<1`.
public struct LayerFilter: Sendable, Hashable {
  /// What a layer is.
  public enum State: String, Sendable, Hashable, CaseIterable {
    case certified
    /// Refuted or not certifiable.
    case open
    /// Not of integers alone.
    case float
  }

  public enum Comparison: String, Sendable, Hashable, CaseIterable {
    // Longer signs stand before those that they begin with.
    case atMost = "<="
    case atLeast = ">="
    case different = "!="
    case less = "<"
    case greater = ">"
    case equal = "="
  }

  private enum Condition: Sendable, Hashable {
    case state(State)
    case number(LayerColumn, Comparison, Double)
  }

  private let condition: Condition

  /// `nil` for another text; ``columns`` and ``State`` say which words there are.
  public init?(_ text: String) {
    if let state = State(rawValue: text) {
      condition = .state(state)
      return
    }
    guard let start = text.firstIndex(where: { "<>!=".contains($0) }),
      let column = LayerColumn(rawValue: String(text[..<start])),
      let comparison = Comparison.allCases.first(where: { text[start...].hasPrefix($0.rawValue) }),
      let value = Double(text[start...].dropFirst(comparison.rawValue.count))
    else { return nil }
    condition = .number(column, comparison, value)
  }

  func holds(_ verdict: LayerVerdict, _ outputCounts: [String: Int]) -> Bool {
    switch condition {
    case .state(.certified): return verdict.isCertified
    case .state(.open): return !verdict.isCertified
    case .state(.float): return !verdict.layer.isQuantized
    case .number(let column, let comparison, let wanted):
      guard let value = column.value(of: verdict, outputCounts) else { return false }
      switch comparison {
      case .atMost: return value <= wanted
      case .atLeast: return value >= wanted
      case .different: return value != wanted
      case .less: return value < wanted
      case .greater: return value > wanted
      case .equal: return value == wanted
      }
    }
  }
}

/// Which layers a report shows, and in which order.
public struct LayerSelection: Sendable, Hashable {
  /// Names, in which `*` stands for any characters; empty for all layers.
  public var names: [String] = []
  /// All of which must hold.
  public var filters: [LayerFilter] = []
  /// The column to sort by; `nil` keeps the order of the file.
  public var sort: LayerColumn?
  /// Whether the largest come first.
  public var isDescending = false

  public init() {}

  /// The layers in question. Those without a number in the column to sort by come last.
  ///
  /// - Parameter outputCounts: as of ``InspectionReport/outputCounts``.
  func layers(of result: VerificationResult, _ outputCounts: [String: Int]) -> [LayerVerdict] {
    let chosen = result.layers.filter { verdict in
      (names.isEmpty || names.contains { NamePattern.matches($0, verdict.layer.name) })
        && filters.allSatisfy { $0.holds(verdict, outputCounts) }
    }
    guard let sort else { return chosen }
    let keyed = chosen.enumerated().map {
      (offset: $0, verdict: $1, key: sort.value(of: $1, outputCounts))
    }
    return keyed.sorted { a, b in
      switch (a.key, b.key) {
      case (let x?, let y?) where x != y: isDescending ? x > y : x < y
      case (_?, nil): true
      case (nil, _?): false
      default: a.offset < b.offset
      }
    }.map(\.verdict)
  }
}
