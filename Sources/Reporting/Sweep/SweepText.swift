import TensorCore

/// A sweep as text for people.
enum SweepText {
  /// A metric with as many digits as mean something.
  static func number(_ value: Double) -> String {
    value.magnitude >= 1 || value == 0
      ? Figures.css(value) : Figures.significant(Float(value))
  }

  static func label(_ setting: SweepPoint.Setting) -> String {
    "\(setting.method) W\(setting.weightBits)A\(setting.activationBits)"
  }
}

extension SweepResult {
  /// One row a width and a column for the rest of the setting, or one row a setting where that is too wide; below, what is
  /// recommended.
  public func text(style: TextStyle = TextStyle()) -> String {
    let summaries = summaries
    var paragraphs = [
      style.wrap(
        "\(model): \(metric.title) on \(samples) samples; float model "
          + "\(SweepText.number(floatValue))")
    ]
    if !summaries.isEmpty {
      let crossed = crossTable(summaries, style).render(TextStyle(isUnicode: style.isUnicode))
      let isNarrow =
        style.width.map { width in
          crossed.split(separator: "\n").allSatisfy { $0.count <= width }
        } ?? true
      paragraphs.append(isNarrow ? crossed : list(summaries, style).render(style))
    }
    let refused = rows.count { $0.measurement == nil }
    if refused > 0 {
      paragraphs.append(
        style.wrap(
          "\(refused) of \(rows.count) points were refused; sweep.csv says why for each."))
    }
    if let recommendation { paragraphs.append(recommendation.text(metric, folder, style)) }
    return paragraphs.joined(separator: "\n\n") + "\n"
  }

  /// A row on one line, as it becomes known.
  public func line(_ row: SweepRow) -> String {
    let setting = row.point.setting
    let bits = setting.accumulatorBits.map { ", P = \($0)" } ?? ""
    let seed = rows.contains { $0.point.seed != row.point.seed } ? ", seed \(row.point.seed)" : ""
    let outcome =
      switch row.outcome {
      case .measured(let found): "\(metric.name) \(SweepText.number(found.value))"
      case .refused(let reason): "refused: \(reason)"
      }
    return "\(SweepText.label(setting))\(bits)\(seed): \(outcome)"
  }

  private func crossTable(_ summaries: [SweepSummary], _ style: TextStyle) -> TextTable {
    var seen: Set<String> = []
    let labels = summaries.map { SweepText.label($0.setting) }.filter { seen.insert($0).inserted }
    let widths = Set(summaries.map { $0.setting.accumulatorBits ?? .max }).sorted()
    return TextTable(
      columns: [.init(title: "P")] + labels.map { .init(title: $0) },
      rows: widths.map { bits in
        [bits == .max ? style.none : "\(bits)"]
          + labels.map { label in
            summaries.first {
              ($0.setting.accumulatorBits ?? .max) == bits && SweepText.label($0.setting) == label
            }.map { cell($0, style) } ?? style.none
          }
      })
  }

  private func list(_ summaries: [SweepSummary], _ style: TextStyle) -> TextTable {
    TextTable(
      columns: [
        .init(title: "setting", alignment: .left, isFlexible: true), .init(title: "P"),
        .init(title: metric.name), .init(title: "loss", dropOrder: 0),
      ],
      rows: summaries.map { summary in
        [
          SweepText.label(summary.setting),
          summary.setting.accumulatorBits.map { "\($0)" } ?? style.none, cell(summary, style),
          SweepText.number(metric.loss(of: summary.mean, from: floatValue)),
        ]
      })
  }

  private func cell(_ summary: SweepSummary, _ style: TextStyle) -> String {
    let mean = SweepText.number(summary.mean)
    guard let deviation = summary.deviation else { return mean }
    return "\(mean) \(style.isUnicode ? "±" : "+-") \(SweepText.number(deviation))"
  }
}

extension SweepRecommendation {
  fileprivate func text(_ metric: MetricKind, _ folder: String, _ style: TextStyle) -> String {
    let width = setting.accumulatorBits.map { ", P = \($0)" } ?? ""
    return style.wrap(
      "Recommended: \(SweepText.label(setting))\(width), which loses "
        + "\(SweepText.number(loss)) of \(SweepText.number(limit)) \(metric.lossUnit)")
      + "\n" + style.wrap("Written: \(folder)/\(output)") + "\nMade by: \(command.printable)"
  }
}
