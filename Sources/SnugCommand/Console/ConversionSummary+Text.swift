import Snug

extension ConversionSummary {
  /// What was done, what the file guarantees, and what it cost, for people.
  func text(style: TextStyle) -> String {
    var lines = [report.table(style: style)]
    lines.append(weightText)
    if let fallback = list("A2Q in place of A2Q+ (one product a sum)", where: \.fellBackToA2Q) {
      lines.append(fallback)
    }
    if let cut = list("Biases cut off for want of bits, in", where: { $0.cutBiases > 0 }) {
      lines.append(cut)
    }
    lines.append(
      calibrationSamples == 0
        ? "Activation ranges follow from the graph"
        : "Activation ranges from \(calibrationSamples) samples")
    if let floatMetric, let quantizedMetric {
      lines.append(
        "Before: \(floatMetric.metricText); after: \(quantizedMetric.metricText) "
          + "(\(quantizedMetric.samples) samples)")
    }
    if let training { lines.append(training.text) }
    if let choice { lines += choice.lines }
    lines += remarks.map { "Note: \($0)" }
    lines.append("Time: \(timeText); peak memory \(peakMemoryBytes >> 20) MiB")
    if let comparison { lines.append(comparison.text(style: style)) }
    lines.append("Written: \(output.printable)")
    return lines.joined(separator: "\n") + "\n" + report.unheldText(style: style)
      + next.map { "Next: \($0.printable)\n" }.joined()
  }

  private var weightText: String {
    let repairs = layers.reduce(0) { $0 + $1.repairs }
    let methods = Set(layers.map(\.method)).sorted().map { method in
      let name = method == Recipe.Method.unconstrained.rawValue ? "rounding to nearest" : method
      return "\(layers.count { $0.method == method }) by \(name)"
    }
    var text = "Layers: \(methods.joined(separator: ", "))"
    if let errorText { text += "; \(errorText)" }
    if repairs > 0 { text += "; weights moved after rounding: \(repairs)" }
    return text
  }

  /// How far the layers' outputs are from the float model's; `nil` where nothing was measured.
  private var errorText: String? {
    let measured = layers.filter { $0.outputError != nil }
      .sorted { ($0.outputError ?? 0) < ($1.outputError ?? 0) }
    guard let worst = measured.last else { return nil }
    func percent(_ layer: Conversion.Layer) -> String {
      "\(((layer.outputError ?? 0) * 100).formatted(digits: 1)) %"
    }
    return "output error \(percent(measured[measured.count / 2])) in the middle layer, "
      + "at most \(percent(worst)), in \(TextStyle().quoting(worst.name.printable))"
  }

  private func list(_ title: String, where isMember: (Conversion.Layer) -> Bool) -> String? {
    let names = layers.filter(isMember).map(\.name.printable)
    return names.isEmpty ? nil : "\(title): \(names.joined(separator: ", "))"
  }

  private var timeText: String {
    let stages: [(String, Double)] = [
      ("import", seconds.import), ("calibrate", seconds.calibrate),
      ("choose integers", seconds.initialize), ("correct outputs", seconds.correct),
      ("train", seconds.finetune), ("export", seconds.export),
      ("certify", seconds.certify), ("evaluate", seconds.evaluate),
    ]
    return stages.filter { $0.1 >= 0.0005 }
      .map { "\($0.0) \($0.1.formatted(digits: $0.1 < 0.1 ? 3 : 2)) s" }.joined(separator: ", ")
  }
}

extension ChoiceSummary {
  /// What the widths cost and lose, beside the best ones that are the same for all layers.
  fileprivate var lines: [String] {
    func text(_ cost: Double, _ loss: Double) -> String {
      "\(cost.formatted(digits: cost < 1000 ? 1 : 0)) \(minimized.printable), loss \(loss.formatted(digits: 2)) \(lossUnit)"
    }
    var lines = [
      "Widths: \(text(cost, loss)) of at most \(maxLoss) (\(samples) samples, \(conversions) conversions)"
    ]
    lines.append(
      alike.map { "Same widths for all layers: \(text($0.cost, $0.loss)), by \($0.widths.text)" }
        ?? "Same widths for all layers: none keep that loss")
    lines.append("Recipe: \(recipe.printable)")
    return lines
  }
}

extension TrainingSummary {
  /// What was trained, at which pace, and with what result.
  fileprivate var text: String {
    var text = "Trained: \(steps) steps in \(epochs) epoch\(epochs == 1 ? "" : "s"), "
    // A run that was complete before has no pace.
    if medianStepSeconds > 0 {
      text +=
        "\((medianStepSeconds * 1000).formatted(digits: 1)) ms a step, "
        + "\(samplesPerSecond.formatted(digits: 0)) samples/s, "
    }
    text += "loss \(finalLoss.formatted(digits: 4))"
    if let bestMetric, let bestEpoch {
      text += "; best \(bestMetric.formatted(digits: 2)) after epoch \(bestEpoch)"
    }
    return text
  }
}
