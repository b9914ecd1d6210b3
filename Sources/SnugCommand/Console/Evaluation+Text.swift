import Snug

extension Evaluation {
  /// The result on one line: `top-1 83.9 %, top-5 99.2 %, loss 0.512 (5000 samples in 1.2 s)`.
  var text: String {
    var parts = [metricText]
    if let top5 { parts.append("top-5 \(top5.formatted(digits: 2)) %") }
    if let loss { parts.append("loss \(loss.formatted(digits: 4))") }
    let rate = "\(samples) samples in \(seconds.formatted(digits: 2)) s"
    return "\(parts.joined(separator: ", ")) (\(rate))"
  }

  /// The metric alone, with its unit.
  var metricText: String {
    switch metric {
    case .top1: "top-1 \(value.formatted(digits: 2)) %"
    case .psnr: "PSNR \(value.formatted(digits: 2)) dB"
    case .mse: "mean squared error \(value)"
    }
  }
}
