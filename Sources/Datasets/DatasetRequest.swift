import TensorCore

/// What a model needs from data.
public struct DatasetRequest: Sendable {
  /// One input of the model, its dimension 0 counting samples.
  public struct Input: Sendable, Hashable {
    public var name: String
    public var type: TensorType

    public init(name: String, type: TensorType) {
      self.name = name
      self.type = type
    }

    /// Dimensions of one sample; `nil` where the rank is unknown.
    var sampleDimensions: [Dimension]? { type.dimensions.map { Array($0.dropFirst()) } }
  }

  public var inputs: [Input]
  /// Where a rank-4 input has its channels; `nil` to tell from its shape.
  public var layout: ImageLayout?
  public var normalization: Normalization
  /// `nil` to tell from the data: whole-number references are labels, others targets.
  public var task: DatasetTask?
  /// The classes that the model tells apart, to check labels against.
  public var classCount: Int?
  /// The most samples that are read, counted from the first; `nil` for any number. Compressed data is inflated no
  /// further. A data set may still have more.
  public var limit: Int?
  /// Whether labels or targets are read.
  public var usesReference = true

  public init(
    inputs: [Input], layout: ImageLayout? = nil, normalization: Normalization = .identity,
    task: DatasetTask? = nil, classCount: Int? = nil
  ) {
    self.inputs = inputs
    self.layout = layout
    self.normalization = normalization
    self.task = task
    self.classCount = classCount
  }
}

/// What a sample's reference means.
public enum DatasetTask: Sendable, Hashable {
  /// Labels, counted from 0.
  case classification
  /// Targets of the shape of the model's output.
  case regression
  /// Pairs made from images: the target is the image in 0...1, its top left part whose sides are
  /// multiples of `cropMultiple`; the input is that, reduced by `scale` by bicubic interpolation.
  ///
  /// `cropMultiple` is 12 where `nil`, or 4 x `scale` where 12 is not a multiple of `scale`.
  case superResolution(scale: Int, cropMultiple: Int? = nil)
}

/// The order of dimensions of an image batch.
public enum ImageLayout: Sendable, Hashable {
  case nchw, nhwc

  /// The layout that the dimensions of a rank-4 input suggest: channels first, unless only the last
  /// dimension can count channels (1 or 3).
  public init(dimensions: [Dimension]) {
    let counts = dimensions.map { $0.size == 1 || $0.size == 3 }
    self = counts.count == 4 && !counts[1] && counts[3] ? .nhwc : .nchw
  }
}

/// Per-channel normalisation of input values: x' = (x · inputScale − mean) / std.
///
/// Computed in double precision and rounded once to float32. In super-resolution, x is the pixel in
/// 0...1 and the target is not normalised.
public struct Normalization: Sendable, Hashable {
  /// One value for all channels, or one a channel; none means 0.
  public var mean: [Double]
  /// One value for all channels, or one a channel; never 0; none means 1.
  public var std: [Double]
  public var inputScale: Double

  public init(mean: [Double] = [], std: [Double] = [], inputScale: Double = 1) {
    self.mean = mean
    self.std = std
    self.inputScale = inputScale
  }

  public static let identity = Normalization()

  /// One a channel, or one where all channels have the same.
  ///
  /// - Throws: where a value can't be used, or their number doesn't fit the channels.
  func perChannel(_ channels: Int) throws(DatasetError) -> [ChannelNormalization] {
    for (name, values) in [("--mean", mean), ("--std", std)] {
      guard values.count <= 1 || values.count == channels else {
        throw .normalization(
          parameter: name, expected: channels == 1 ? "one value" : "1 or \(channels) values",
          actual: "\(values.count) values")
      }
    }
    for (name, values) in [("--mean", mean), ("--std", std), ("--input-scale", [inputScale])] {
      for value in values where !value.isFinite || (value == 0 && name == "--std") {
        throw .normalization(
          parameter: name, expected: name == "--std" ? "finite and not 0" : "finite",
          actual: "\(value)")
      }
    }
    let result = (0..<max(mean.count, std.count, 1)).map { channel in
      ChannelNormalization(
        scale: inputScale, mean: mean.isEmpty ? 0 : mean[mean.count == 1 ? 0 : channel],
        std: std.isEmpty ? 1 : std[std.count == 1 ? 0 : channel])
    }
    guard result.allSatisfy({ $0(255).isFinite && $0(-255).isFinite }) else {
      throw .normalization(
        parameter: "--mean, --std, --input-scale", expected: "values that keep inputs finite",
        actual: "an overflow")
    }
    return result
  }
}

/// The normalisation of one channel.
struct ChannelNormalization: Sendable, Hashable {
  var scale: Double
  var mean: Double
  var std: Double

  var isIdentity: Bool { scale == 1 && mean == 0 && std == 1 }

  func callAsFunction(_ x: Double) -> Float { Float((x * scale - mean) / std) }

  /// The results for every byte, read as a `uint8`, `int8` or `bool`.
  func table(_ type: ElementType = .uint8) -> [Float] {
    (UInt8.min...UInt8.max).map { byte in
      switch type {
      case .int8: self(Double(Int8(bitPattern: byte)))
      case .bool: self(byte == 0 ? 0 : 1)
      default: self(Double(byte))
      }
    }
  }
}
