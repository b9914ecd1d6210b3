import TensorCore

/// What a comparison found, as the page shows it.
struct LossView {
  struct Row {
    let name: String
    /// The name, shortened.
    let label: String
    let op: String
    let cells: [String]
    /// Lengths of bars in per cent of the axis; `nil` draws none.
    let alone: String?
    let inPlace: String?
    let caption: String
  }

  let reference: String
  let samples: Int
  let lines: [String]
  let headings = LayerComparison.cellTitles
  let rows: [Row]
  let axis: [AxisTick]
  let legend = ModelComparison.legend

  init(_ comparison: ModelComparison) {
    let style = TextStyle()
    reference = comparison.reference.printable
    samples = comparison.samples
    var lines: [String] = []
    if let metric = comparison.metric { lines.append(ComparisonText.metric(metric)) }
    lines += comparison.outputs.map { output in
      "Output \(output.name.printable): SNR \(ComparisonText.decibels(output.ratio, style)) dB, cosine "
        + "\(output.cosine.map { "\(Float($0))" } ?? style.none), largest deviation "
        + "\(Figures.significant(Float(output.largestDeviation))) where the largest magnitude is "
        + "\(Figures.significant(Float(output.largestMagnitude)))"
    }
    self.lines = lines
    let largest =
      comparison.layers.flatMap { [$0.alone?.decibels, $0.inPlace?.decibels] }
      .compactMap { $0 }.max() ?? 0
    let scale = max((largest / 10).rounded(.up) * 10, 10)
    func length(_ ratio: SignalToNoise?) -> String? {
      ratio?.decibels.map { Figures.css(max($0, 0) / scale * 100) }
    }
    rows = comparison.layers.map { layer in
      let name = layer.name.printable
      return Row(
        name: name, label: style.shortened(name, to: Figures.labelLength), op: layer.op,
        cells: layer.cells(style), alone: length(layer.alone), inPlace: length(layer.inPlace),
        caption:
          "\(ComparisonText.decibels(layer.alone, style)) / \(ComparisonText.decibels(layer.inPlace, style))"
      )
    }
    let step = scale > 60 ? 20 : 10
    axis = stride(from: 0, through: Int(scale), by: step).map {
      AxisTick(label: "\($0)", position: Figures.css(Double($0) / scale * 100))
    }
  }
}
