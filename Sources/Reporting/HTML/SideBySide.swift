import TensorCore
import Verification

/// Several models in one table: a row a layer, the same for layers of one name, and a few columns for each model.
struct SideBySide {
  struct Row {
    let name: String
    /// The name, shortened.
    let label: String
    let cells: [String]
  }

  struct Heading {
    let title: String
    let name: String
  }

  /// A row of totals.
  struct Total {
    let label: String
    let values: [String]
  }

  /// Columns of each model.
  static let columns = ["weight", "input", "target", "required", "headroom"]

  let titles: [String]
  let span = Self.columns.count
  /// What conditions of the filter call the columns: with the model's number, but for the first's.
  let headings: [Heading]
  let rows: [Row]
  let totals: [Total]

  /// - Parameter tiles: the figures of each model.
  init(
    _ subjects: [ModelPage.Subject], titles: [String], tiles: [[ModelView.Tile]], _ style: TextStyle
  ) {
    self.titles = titles
    headings = titles.indices.flatMap { index in
      Self.columns.map { Heading(title: $0, name: index == 0 ? $0 : "\($0)-\(index + 1)") }
    }
    var names: [String] = []
    var seen: Set<String> = []
    for subject in subjects {
      for verdict in subject.report.result.layers where seen.insert(verdict.layer.name).inserted {
        names.append(verdict.layer.name)
      }
    }
    let verdicts = subjects.map { subject in
      Dictionary(
        subject.report.result.layers.map { ($0.layer.name, $0) }, uniquingKeysWith: { a, _ in a })
    }
    rows = names.map { name in
      Row(
        name: name.printable, label: style.shortened(name.printable, to: Figures.labelLength),
        cells: verdicts.flatMap { own in
          own[name].map { Self.cells($0, style) }
            ?? Self.columns.map { _ in style.none }
        })
    }
    var labels: [String] = []
    for label in tiles.joined().map(\.label) where !labels.contains(label) { labels.append(label) }
    var totals = labels.map { label in
      Total(
        label: label,
        values: tiles.map { own in own.first { $0.label == label }?.value ?? style.none })
    }
    let metrics = subjects.map { $0.comparison?.metric }
    if let metric = metrics.compactMap({ $0 }).first {
      totals.append(
        Total(
          label: metric.metric.title,
          values: metrics.map { $0.map { SweepText.number($0.model) } ?? style.none }))
    }
    self.totals = totals
  }

  private static func cells(_ verdict: LayerVerdict, _ style: TextStyle) -> [String] {
    let all = InspectionColumn.columns(of: [verdict], in: .page, style)
    return columns.map { title in
      all.first { $0.column.title == title }?.cell(verdict, style) ?? style.none
    }
  }
}
