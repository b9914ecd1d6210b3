import Quantization
import Reporting
import TensorCore
import Verification

/// What a choice of widths makes small.
public enum CostMeasure: Sendable, Hashable, CustomStringConvertible {
  /// The sum of the layers' accumulator widths.
  case accumulatorBits
  /// ``LayerCost/bitOperations``.
  case bitOperations
  /// ``LayerCost/luts``.
  case luts
  /// ``LayerCost/weightBytes``.
  case weightBytes
  /// The products of each layer by the cost of one in the cheapest row that holds its widths.
  case table(CostTable)

  private static let named: [(name: String, measure: CostMeasure)] = [
    ("accumulator-bits", .accumulatorBits), ("bit-operations", .bitOperations), ("luts", .luts),
    ("weight-bytes", .weightBytes),
  ]

  /// - Parameter text: a name, or the path of a table.
  init(_ text: String) throws(CostMeasureError) {
    if let known = Self.named.first(where: { $0.name == text }) {
      self = known.measure
    } else if text.hasSuffix(".csv") {
      self = .table(try CostTable(path: text))
    } else {
      let names = Self.named.map(\.name)
      throw CostMeasureError(
        "'\(text)' is no cost; give \(names.joined(separator: ", ")), or a table in a .csv file"
          + Spelling.question(about: text, among: names))
    }
  }

  /// What the command line calls it.
  public var description: String {
    if case .table(let table) = self { return table.path }
    return Self.named.first { $0.measure == self }?.name ?? ""
  }

  /// All that decides a cost.
  var json: JSONValue {
    guard case .table(let table) = self else { return .string(description) }
    return .array(
      table.rows.map { .object([JSONMember($0.widths.text, .number($0.cost))]) })
  }

  /// What a layer costs; `nil` where the file doesn't tell, or no row of the table holds its widths.
  func cost(of verdict: LayerVerdict, _ layer: LayerCost) -> Double? {
    switch self {
    case .accumulatorBits: (verdict.targetBits ?? verdict.requiredBits).map(Double.init)
    case .bitOperations: layer.bitOperations.map(Double.init)
    case .luts: layer.luts.map(Double.init)
    case .weightBytes: layer.weightBytes.map(Double.init)
    case .table(let table):
      if let products = layer.products, let weight = verdict.layer.weight,
        let input = verdict.layer.input,
        let bits = verdict.targetBits ?? verdict.requiredBits,
        let cost = table.cost(
          LayerWidths(
            weightBits: weight.bits, activationBits: input.bits, accumulatorBits: bits))
      {
        Double(products) * cost
      } else {
        nil
      }
    }
  }
}

/// What is wrong with the name of a cost or with a table, in a sentence.
struct CostMeasureError: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}

/// The bits of what one layer multiplies and adds.
public struct LayerWidths: Sendable, Hashable {
  public var weightBits: Int
  public var activationBits: Int
  public var accumulatorBits: Int

  public init(weightBits: Int, activationBits: Int, accumulatorBits: Int) {
    self.weightBits = weightBits
    self.activationBits = activationBits
    self.accumulatorBits = accumulatorBits
  }

  /// As tables and messages write it, such as `W4A4P14`.
  public var text: String { "W\(weightBits)A\(activationBits)P\(accumulatorBits)" }
}

/// What one product costs at the widths that a machine has.
public struct CostTable: Sendable, Hashable {
  struct Row: Sendable, Hashable {
    var widths: LayerWidths
    var cost: Double
  }

  let path: String
  let rows: [Row]

  private static let columns = ["weight-bits", "activation-bits", "accumulator-bits", "cost"]
  private static let sizeLimit = 1 << 20

  /// - Throws: ``CostMeasureError`` where the file can't be read or isn't such a table.
  init(path: String) throws(CostMeasureError) {
    let bytes: [UInt8]
    do { bytes = try InputFile(path: path).readAll(limit: Self.sizeLimit) } catch {
      throw CostMeasureError("\(error)")
    }
    try self.init(path: path, text: String(decoding: bytes, as: UTF8.self))
  }

  init(path: String, text: String) throws(CostMeasureError) {
    self.path = path
    let lines = text.split(whereSeparator: \.isNewline).map { line in
      line.split(separator: ",", omittingEmptySubsequences: false).map {
        $0.filter { !$0.isWhitespace }
      }
    }
    guard lines.first == Self.columns else {
      throw CostMeasureError(
        "\(path): the first line must be \(Self.columns.joined(separator: ","))")
    }
    var rows: [Row] = []
    for (index, line) in lines.enumerated().dropFirst() {
      let bits = line.prefix(3).compactMap { Int($0) }.filter { (1...64).contains($0) }
      guard line.count == 4, bits.count == 3, let cost = Double(line[3]), cost.isFinite, cost >= 0
      else {
        throw CostMeasureError(
          "\(path), line \(index + 1): give three widths of 1 to 64 bits and a cost")
      }
      rows.append(
        Row(
          widths: LayerWidths(
            weightBits: bits[0], activationBits: bits[1], accumulatorBits: bits[2]), cost: cost))
    }
    guard !rows.isEmpty else { throw CostMeasureError("\(path): it has no rows") }
    self.rows = rows
  }

  /// The cost of a product in the cheapest row that holds these widths; `nil` where none does.
  func cost(_ widths: LayerWidths) -> Double? {
    rows.filter {
      $0.widths.weightBits >= widths.weightBits && $0.widths.activationBits >= widths.activationBits
        && $0.widths.accumulatorBits >= widths.accumulatorBits
    }
    .map(\.cost).min()
  }
}
