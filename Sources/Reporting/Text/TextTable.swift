import TensorCore

/// A table of text with aligned columns that fits a terminal.
///
/// A table that is too wide is narrowed in this order: the flexible column is shortened as far as it stays readable;
/// whole columns are left out, the least important first; the flexible column is shortened further.
struct TextTable {
  enum Alignment { case left, right }

  struct Column {
    var title: String
    var alignment: Alignment = .right
    /// Columns with greater numbers are left out first; a column with `nil` always stays.
    var dropOrder: Int?
    var isFlexible = false
  }

  var columns: [Column]
  /// The rows, each with one text for each column.
  var rows: [[String]]

  private static let gap = "  "
  /// The width in columns down to which the flexible column stays readable.
  private static let readable = 36
  private static let flexibleMinimum = 8

  func render(_ style: TextStyle) -> String {
    let rows = rows.map { $0.map(\.printable) }
    let natural = columns.indices.map { column in
      rows.reduce(columns[column].title.count) { max($0, $1[column].count) }
    }
    var kept = Array(columns.indices)
    var widths = natural
    if let limit = style.width {
      func least(_ column: Int) -> Int {
        columns[column].isFlexible
          ? min(natural[column], Self.readable) : natural[column]
      }
      func total(_ width: (Int) -> Int) -> Int {
        kept.reduce(0) { $0 + width($1) } + Self.gap.count * max(kept.count - 1, 0)
      }
      while total(least) > limit,
        let dropped = kept.filter({ columns[$0].dropOrder != nil })
          .max(by: { (columns[$0].dropOrder ?? 0) < (columns[$1].dropOrder ?? 0) })
      { kept.removeAll { $0 == dropped } }
      for column in kept where columns[column].isFlexible {
        let excess = total { widths[$0] } - limit
        if excess > 0 { widths[column] = max(Self.flexibleMinimum, widths[column] - excess) }
      }
    }
    func line(_ cells: [String]) -> String {
      let text = kept.map { column in
        let cell = style.shortened(cells[column], to: widths[column])
        let space = String(repeating: " ", count: max(widths[column] - cell.count, 0))
        return columns[column].alignment == .left ? cell + space : space + cell
      }.joined(separator: Self.gap)
      return String(text.reversed().drop { $0 == " " }.reversed())
    }
    let ruled = kept.map { String(repeating: style.rule, count: widths[$0]) }
      .joined(separator: Self.gap)
    return ([line(columns.map(\.title)), ruled] + rows.map(line)).joined(separator: "\n")
  }
}
