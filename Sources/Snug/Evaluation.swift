import Reporting
import TensorCore

/// How well a model does on data.
public struct Evaluation: Sendable, Hashable {
  public enum Metric: String, Sendable, Hashable {
    /// Share of samples whose label has the largest score, in percent.
    case top1
    /// Mean over images of the peak signal-to-noise ratio, in dB.
    case psnr
    /// Mean squared error.
    case mse
  }

  public var metric: Metric
  public var value: Double
  /// Share of samples whose label is among the five largest scores, in percent; for more than five classes.
  public var top5: Double?
  /// Mean cross-entropy in nats.
  public var loss: Double?
  public var samples: Int
  /// Wall time of reading, executing and measuring.
  public var seconds: Double
  /// What overflowed, where narrow accumulators were asked for.
  public var overflow: OverflowReport?
}

extension Evaluation {
  /// The document of `evaluate --json`.
  public var json: JSONValue {
    var members = [
      JSONMember("metric", .string(metric.rawValue)), JSONMember("value", .number(value)),
    ]
    if let top5 { members.append(JSONMember("top5", .number(top5))) }
    if let loss { members.append(JSONMember("loss", .number(loss))) }
    members.append(JSONMember("samples", JSONValue(samples)))
    members.append(JSONMember("seconds", .number(seconds)))
    if let overflow { members.append(JSONMember("overflow", overflow.json)) }
    return .object(members)
  }

  /// A metric as other documents quote it.
  public var summaryJSON: JSONValue {
    ["metric": .string(metric.rawValue), "value": .number(value)]
  }
}

extension Evaluation.Metric {
  /// The name as a figure shows it.
  var title: String {
    switch self {
    case .top1: "Top-1 accuracy (%)"
    case .psnr: "PSNR (dB)"
    case .mse: "Mean squared error"
    }
  }

  /// The metric as reports take it.
  var kind: MetricKind {
    switch self {
    case .top1: MetricKind(name: rawValue, title: title, unit: "%", higherIsBetter: true)
    case .psnr: MetricKind(name: rawValue, title: title, unit: "dB", higherIsBetter: true)
    case .mse: MetricKind(name: rawValue, title: title, unit: "", higherIsBetter: false)
    }
  }
}
