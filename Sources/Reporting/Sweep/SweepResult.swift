import TensorCore

/// One conversion of a sweep, by what sets it apart from the others.
public struct SweepPoint: Sendable, Hashable {
  /// How this conversion differs from others that are drawn by the same seed.
  public struct Setting: Sendable, Hashable {
    public var method: String
    public var weightBits: Int
    public var activationBits: Int
    /// P; `nil` for a method that constrains no accumulator.
    public var accumulatorBits: Int?

    public init(method: String, weightBits: Int, activationBits: Int, accumulatorBits: Int?) {
      self.method = method
      self.weightBits = weightBits
      self.activationBits = activationBits
      self.accumulatorBits = accumulatorBits
    }
  }

  public var setting: Setting
  public var seed: Int

  public init(_ setting: Setting, seed: Int) {
    self.setting = setting
    self.seed = seed
  }
}

extension SweepPoint: Comparable {
  /// The order of tables: by method, widths of weights and activations, accumulator width, and seed.
  public static func < (a: SweepPoint, b: SweepPoint) -> Bool {
    func key(_ point: SweepPoint) -> (String, Int, Int, Int, Int) {
      let setting = point.setting
      return (
        setting.method, setting.weightBits, setting.activationBits,
        setting.accumulatorBits ?? .max, point.seed
      )
    }
    return key(a) < key(b)
  }
}

/// A point of a sweep, and what came of it.
public struct SweepRow: Sendable, Hashable {
  public enum Outcome: Sendable, Hashable {
    case measured(Measurement)
    /// No file: the conversion was refused, for this reason.
    case refused(String)
  }

  public struct Measurement: Sendable, Hashable {
    /// By the sweep's metric.
    public var value: Double
    /// Share of samples whose label is among the five largest scores, in per cent.
    public var top5: Double?
    /// Mean cross-entropy in nats.
    public var crossEntropy: Double?
    /// The widest accumulator that a layer with a target needs.
    public var requiredBits: Int?
    /// Dot products that are not held to the point's width, for other reasons than the options.
    public var unheldLayers: Int

    public init(
      value: Double, top5: Double? = nil, crossEntropy: Double? = nil, requiredBits: Int? = nil,
      unheldLayers: Int = 0
    ) {
      self.value = value
      self.top5 = top5
      self.crossEntropy = crossEntropy
      self.requiredBits = requiredBits
      self.unheldLayers = unheldLayers
    }
  }

  public var point: SweepPoint
  public var outcome: Outcome

  public init(_ point: SweepPoint, _ outcome: Outcome) {
    self.point = point
    self.outcome = outcome
  }

  public var measurement: Measurement? {
    if case .measured(let measurement) = outcome { measurement } else { nil }
  }
}

/// Everything that a sweep has found, and what decided it.
public struct SweepResult: Sendable {
  /// The model's file name.
  public var model: String
  /// What another run must have in common to go on with this one: options, model and data.
  public var identity: JSONValue
  public var metric: MetricKind
  /// The float model's metric.
  public var floatValue: Double
  /// Samples that the metric is measured on.
  public var samples: Int
  /// In the order of their points.
  public private(set) var rows: [SweepRow]
  /// The words of the command that converts the model, without what a point sets.
  public var command: [String]
  public var recommendation: SweepRecommendation?
  /// What was asked for and asked of nothing, in a sentence each, as far as this run converted; in no file.
  public var notes: [String] = []
  /// The folder that holds the sweep's files, as the user named it; in none of them.
  public var folder: String

  public init(
    model: String, identity: JSONValue, metric: MetricKind, floatValue: Double, samples: Int,
    rows: [SweepRow] = [], command: [String], folder: String
  ) {
    self.model = model
    self.identity = identity
    self.metric = metric
    self.floatValue = floatValue
    self.samples = samples
    self.rows = rows.sorted { $0.point < $1.point }
    self.command = command
    self.folder = folder
  }

  /// Enters a row, in the place of one for the same point.
  public mutating func add(_ row: SweepRow) {
    rows.removeAll { $0.point == row.point }
    let place = rows.firstIndex { row.point < $0.point } ?? rows.endIndex
    rows.insert(row, at: place)
  }

  /// The command that makes a point's file.
  public func command(for setting: SweepPoint.Setting, seed: Int, output: String) -> String {
    var words = ["snug", "convert"] + command
    words += ["--output", output, "--method", setting.method]
    words += ["--weight-bits", "\(setting.weightBits)"]
    words += ["--activation-bits", "\(setting.activationBits)"]
    if let bits = setting.accumulatorBits { words += ["--accumulator-bits", "\(bits)"] }
    words += ["--seed", "\(seed)"]
    return ShellWords.line(words)
  }
}
