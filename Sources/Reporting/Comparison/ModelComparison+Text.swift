import TensorCore

/// Numbers of comparisons as text.
enum ComparisonText {
  static func decibels(_ ratio: SignalToNoise?, _ style: TextStyle) -> String {
    guard let ratio else { return style.none }
    if ratio.isExact { return "exact" }
    return ratio.decibels.map { Figures.tenths($0) } ?? style.none
  }

  /// A share in per cent with as many digits as mean something.
  static func percent(_ share: Double?, _ style: TextStyle) -> String {
    guard let share else { return style.none }
    let percent = share * 100
    if percent > 0, percent < 0.005 { return "<0.01" }
    return percent < 10 ? Figures.css(percent) : Figures.tenths(percent)
  }

  /// A loss with its sign and unit, after both values.
  static func metric(_ metric: ModelComparison.Metric) -> String {
    let loss = metric.metric.loss(of: metric.model, from: metric.reference)
    return
      "\(metric.metric.title): \(SweepText.number(metric.reference)) before, "
      + "\(SweepText.number(metric.model)) after, "
      + "\(SweepText.number(loss.magnitude)) \(metric.metric.lossUnit) \(loss < 0 ? "better" : "lost") "
      + "(\(metric.samples) samples)"
  }
}

extension ModelComparison {
  /// The outputs, then one layer in a row.
  public func text(style: TextStyle = TextStyle()) -> String {
    var paragraphs = [
      style.wrap("\(model) against \(reference), on \(samples) samples")
    ]
    var lines: [String] = []
    if let metric { lines.append(style.wrap(ComparisonText.metric(metric))) }
    lines += outputs.map { output in
      let cosine = output.cosine.map { Figures.significant(Float(1 - $0)) } ?? style.none
      return style.wrap(
        "Output \(output.name): SNR \(ComparisonText.decibels(output.ratio, style)) dB, 1 - cosine \(cosine), "
          + "largest deviation \(Figures.significant(Float(output.largestDeviation))) of "
          + "\(Figures.significant(Float(output.largestMagnitude)))")
    }
    if !lines.isEmpty { paragraphs.append(lines.joined(separator: "\n")) }
    if !layers.isEmpty {
      paragraphs.append(table(style).render(style))
      paragraphs.append(style.wrap(Self.legend))
      if let worst { paragraphs.append(style.wrap(worst)) }
    }
    return paragraphs.joined(separator: "\n\n") + "\n"
  }

  static let legend =
    "SNR in dB of each layer's output, behind the normalisation or constants that follow it: alone, with no other layer "
    + "quantized, and in place, with all before it quantized. Clipped: activations outside their quantizer's range. "
    + "Saturated: weights at the ends of theirs. Budget: what channels can use of their accumulators in the mean. All in per cent."

  /// The layers that lose most by themselves; `nil` where none was measured.
  private var worst: String? {
    let measured = layers.filter { $0.alone?.decibels != nil }
      .sorted { ($0.alone?.decibels ?? 0) < ($1.alone?.decibels ?? 0) }
    guard measured.count > 1 else { return nil }
    let names = measured.prefix(3).map { layer in
      "\(TextStyle().quoting(layer.name)) (\(ComparisonText.decibels(layer.alone, TextStyle())) dB)"
    }
    return "Most is lost in \(names.joined(separator: ", ")); a recipe can give these more bits."
  }

  private func table(_ style: TextStyle) -> TextTable {
    TextTable(
      columns: [
        .init(title: "layer", alignment: .left, isFlexible: true),
        .init(title: "op", alignment: .left, dropOrder: 4),
        .init(title: "alone"), .init(title: "in place"),
        .init(title: "worst channel", dropOrder: 2), .init(title: "clipped", dropOrder: 0),
        .init(title: "saturated", dropOrder: 3), .init(title: "budget", dropOrder: 1),
      ],
      rows: layers.map { [$0.name, $0.op] + $0.cells(style) })
  }
}

extension LayerComparison {
  /// What a page calls the cells of ``cells(_:)``.
  static let cellTitles = [
    "alone, dB", "in place, dB", "worst channel, dB", "clipped, %", "saturated, %", "budget, %",
  ]

  /// The cells behind name and operator.
  func cells(_ style: TextStyle) -> [String] {
    let worst =
      worstChannel.map { "\(ComparisonText.decibels($0.ratio, style)) (\($0.index))" }
      ?? style.none
    return [
      ComparisonText.decibels(alone, style), ComparisonText.decibels(inPlace, style), worst,
      ComparisonText.percent(clippedShare, style), ComparisonText.percent(saturatedShare, style),
      ComparisonText.percent(budgetUse?.mean, style),
    ]
  }
}
