import Mustache
import Plotting
import TensorCore

/// A sweep as one self-contained page: the figure with a marker to point at for each setting, the command that makes each,
/// and a table to sort.
struct SweepPage {
  struct Row {
    let index: Int
    let method: String
    let weightBits: Int
    let activationBits: Int
    let accumulatorBits: String
    let value: String
    let deviation: String
    let loss: String
    let requiredBits: String
    let command: String
    let rowClass: String
  }

  struct Refusal {
    let label: String
    let reason: String
  }

  let title: String
  let subject: String
  let floatValue: String
  let metric: String
  let count: String
  let recommendation: String
  let recommendedCommand: String
  let hasRecommendation: Bool
  let hasSeeds: Bool
  let lossUnit: String
  let figure: String
  let rows: [Row]
  let refusals: [Refusal]
  let hasRefusals: Bool
  let provenance: String
  let head = PageStyle.head
  let style = PageStyle.css
  let script = TableScript.text + "\n" + SweepTemplate.script

  init(_ result: SweepResult) {
    let summaries = result.summaries
    let figure = SweepFigure(result: result)
    title = result.model.printable
    subject = "\(result.metric.title) on \(result.samples) samples"
    floatValue = SweepText.number(result.floatValue)
    metric = result.metric.title
    count = "\(summaries.count)"
    let chosen = result.recommendation
    hasRecommendation = chosen != nil
    recommendation =
      chosen.map { found in
        SweepText.label(found.setting)
          + (found.setting.accumulatorBits.map { ", P = \($0)" } ?? "")
          + ": loses \(SweepText.number(found.loss)) of \(SweepText.number(found.limit)) \(result.metric.lossUnit)"
      } ?? ""
    recommendedCommand = chosen?.command.printable ?? ""
    hasSeeds = summaries.contains { $0.deviation != nil }
    lossUnit = result.metric.lossUnit
    let indexOf = Dictionary(
      uniqueKeysWithValues: summaries.enumerated().map { ($1.setting, $0) })
    let markers = figure.markers.map { marker in
      let setting = marker.summary.setting
      let label =
        "\(SweepText.label(setting)), P = \(setting.accumulatorBits.map { "\($0)" } ?? "")"
        + ": \(SweepText.number(marker.summary.mean))"
      return
        #"<circle class="point" data-index="\#(indexOf[setting] ?? 0)" tabindex="0" role="button" "#
        + #"aria-label="\#(SVGText.escaped(label))" cx="\#(SVGText.coordinate(marker.x))" "#
        + #"cy="\#(SVGText.coordinate(marker.y))" r="8"><title>\#(SVGText.escaped(label))</title></circle>"#
    }
    self.figure = figure.document(extra: markers.joined(separator: "\n"))
    let seeds = Dictionary(grouping: result.rows, by: \.point.setting)
    rows = summaries.enumerated().map { index, summary in
      let setting = summary.setting
      let own = seeds[setting] ?? []
      return Row(
        index: index, method: setting.method, weightBits: setting.weightBits,
        activationBits: setting.activationBits,
        accumulatorBits: setting.accumulatorBits.map { "\($0)" } ?? "–",
        value: SweepText.number(summary.mean),
        deviation: summary.deviation.map { SweepText.number($0) } ?? "–",
        loss: SweepText.number(result.metric.loss(of: summary.mean, from: result.floatValue)),
        requiredBits: own.compactMap(\.measurement?.requiredBits).max().map { "\($0)" } ?? "–",
        command: result.command(
          for: setting, seed: own.first { $0.measurement != nil }?.point.seed ?? 0,
          output: "out.onnx"
        ).printable,
        rowClass: setting == chosen?.setting ? "chosen" : "")
    }
    refusals = result.rows.compactMap { row in
      guard case .refused(let reason) = row.outcome else { return nil }
      let bits = row.point.setting.accumulatorBits.map { ", P = \($0)" } ?? ""
      return Refusal(
        label: "\(SweepText.label(row.point.setting))\(bits), seed \(row.point.seed)",
        reason: reason.printable)
    }
    hasRefusals = !refusals.isEmpty
    provenance = result.identity.text(indentation: 2)
  }
}

extension SweepResult {
  /// The sweep as a page that needs no other file.
  public var html: String { SweepTemplate.template.render(SweepPage(self)) }

  /// The figure as an SVG file of its own.
  public var svg: String { SweepFigure(result: self).svg }
}
