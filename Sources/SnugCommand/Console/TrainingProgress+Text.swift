import Snug

extension TrainingProgress {
  /// `epoch 2/10, step 812/7810, 1420 images/s, loss 0.612, penalty 0.0031, metric 81.2, 4 min 3 s left`.
  var text: String {
    var parts = [
      "epoch \(epoch + 1)/\(epochs)", "step \(step)/\(totalSteps)",
      "\(samplesPerSecond.formatted(digits: samplesPerSecond < 10 ? 1 : 0)) samples/s",
      "loss \(loss.formatted(digits: 4))",
    ]
    if penalty > 0 { parts.append("penalty \(penalty.formatted(digits: 4))") }
    if let metric { parts.append("metric \(metric.formatted(digits: 2))") }
    parts.append("\(ProgressBar.remaining(seconds: remainingSeconds)) left")
    return parts.joined(separator: ", ")
  }
}
