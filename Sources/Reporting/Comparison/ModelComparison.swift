import TensorCore

/// A ratio of powers, of a signal and of what differs from it.
public struct SignalToNoise: Sendable, Hashable {
  public var signal: Double
  public var noise: Double

  public init(signal: Double = 0, noise: Double = 0) {
    self.signal = signal
    self.noise = noise
  }

  /// `nil` without a signal, and where there is no noise, as for equal values.
  public var decibels: Double? {
    guard signal > 0, noise > 0 else { return nil }
    return 10 * log10(signal / noise)
  }

  public var isExact: Bool { noise == 0 }
}

/// What quantization does to one layer of a model.
public struct LayerComparison: Sendable, Hashable {
  /// A channel of a layer's output.
  public struct Channel: Sendable, Hashable {
    public var index: Int
    public var ratio: SignalToNoise

    public init(index: Int, ratio: SignalToNoise) {
      self.index = index
      self.ratio = ratio
    }
  }

  public var name: String
  public var op: String
  /// Of the output where this layer alone is quantized; `nil` where the two models have no inputs of it in common.
  public var alone: SignalToNoise?
  /// Of the output in the quantized model, where everything before it is quantized too; `nil` where the reference has no
  /// such layer.
  public var inPlace: SignalToNoise?
  /// What the model's outputs lose where this layer alone is quantized, as ``OutputComparison/lostShare``; `nil` where it
  /// wasn't measured.
  public var reach: Double?
  /// The channel with the least ratio in place.
  public var worstChannel: Channel?
  /// The activations that the layer reads; `nil` where the file states no quantizer of them.
  public var activations: ActivationCounts?
  /// The share of the activations which lie outside what their quantizer holds.
  public var clippedShare: Double? {
    activations.flatMap { $0.total > 0 ? Double($0.clipped) / Double($0.total) : nil }
  }
  /// The share of the weights whose codes are the greatest or the least.
  public var saturatedShare: Double?
  /// How much of its accumulator each channel can use at most, 1 being all: the mean over channels, and the most.
  public var budgetUse: (mean: Double, most: Double)? {
    get { use.map { ($0.mean, $0.most) } }
    set { use = newValue.map { Use(mean: $0.mean, most: $0.most) } }
  }

  private struct Use: Sendable, Hashable {
    var mean, most: Double
  }
  private var use: Use?

  public init(name: String, op: String) {
    self.name = name
    self.op = op
  }
}

/// What quantization does to one output of a model.
public struct OutputComparison: Sendable, Hashable {
  public var name: String
  public var ratio: SignalToNoise
  /// The cosine of the angle between all elements of both; `nil` where one is zero.
  public var cosine: Double?
  public var largestDeviation: Double
  /// The largest magnitude of the reference, which a deviation is to be seen against.
  public var largestMagnitude: Double
  /// The mean over channels, which dimension 1 counts, of the noise as a part of the channel's power, 1 at most for each.
  public var lostShare: Double

  public init(
    name: String, ratio: SignalToNoise, cosine: Double?, largestDeviation: Double,
    largestMagnitude: Double, lostShare: Double
  ) {
    self.name = name
    self.ratio = ratio
    self.cosine = cosine
    self.largestDeviation = largestDeviation
    self.largestMagnitude = largestMagnitude
    self.lostShare = lostShare
  }
}

/// A model held against a reference, on the same samples.
public struct ModelComparison: Sendable {
  /// A metric of both.
  public struct Metric: Sendable, Hashable {
    public var metric: MetricKind
    public var reference: Double
    public var model: Double
    public var samples: Int

    public init(metric: MetricKind, reference: Double, model: Double, samples: Int) {
      self.metric = metric
      self.reference = reference
      self.model = model
      self.samples = samples
    }
  }

  public var reference: String
  public var model: String
  /// Samples that layers and outputs are compared on.
  public var samples: Int
  /// The files of the reference, what the data hold, and the seed by which samples are drawn.
  public var sources: JSONValue = .null
  /// `nil` where the samples have nothing to compare outputs with.
  public var metric: Metric?
  public var outputs: [OutputComparison]
  public var layers: [LayerComparison]

  public init(
    reference: String, model: String, samples: Int, metric: Metric?, outputs: [OutputComparison],
    layers: [LayerComparison]
  ) {
    self.reference = reference
    self.model = model
    self.samples = samples
    self.metric = metric
    self.outputs = outputs
    self.layers = layers
  }
}
