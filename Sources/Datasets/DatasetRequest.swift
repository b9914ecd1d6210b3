import TensorCore

/// What a model requires of its data.
package struct DatasetRequest: Sendable {
  /// One input of the model, whose dimension 0 counts samples.
  package struct Input: Sendable, Hashable {
    package var name: String
    package var type: TensorType

    package init(name: String, type: TensorType) {
      self.name = name
      self.type = type
    }

    /// The dimensions of one sample; `nil` where the rank is unknown.
    var sampleDimensions: [Dimension]? { type.dimensions.map { Array($0.dropFirst()) } }
  }

  package var inputs: [Input]
  /// What inputs of these names are given at every run; the data then holds the others.
  package var constants: [String: ConstantInput] = [:]
  /// The layout of an input of rank 4; `nil` to infer it from the shape.
  package var layout: ImageLayout?
  package var normalization: Normalization
  /// The meaning of the reference; `nil` to infer it from the data: vectors of whole numbers are labels, all else
  /// targets.
  package var task: DatasetTask?
  /// The number of the model's classes, against which labels are checked.
  package var classCount: Int?
  /// The largest number of samples that are read, from the first on; `nil` for any number. Compressed data is
  /// inflated no further. A data set may still have more samples.
  package var limit: Int?
  /// Whether labels or targets are read.
  package var usesReference = true

  package init(
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

/// The meaning of a sample's reference.
package enum DatasetTask: Sendable, Hashable {
  /// References are labels, counted from 0.
  case classification
  /// References are targets of the shape of the model's output.
  case regression
  /// Samples are pairs made from images. The target is the image in 0...1, cropped to its top left part whose sides
  /// are multiples of `cropMultiple`; the input is the target, reduced by `scale` with bicubic interpolation.
  ///
  /// Where `cropMultiple` is `nil`, it is 12, or 4 x `scale` where 12 is not a multiple of `scale`.
  case superResolution(scale: Int, cropMultiple: Int? = nil)
}

/// The order of the dimensions of an image batch: N samples, C channels, height H and width W.
package enum ImageLayout: Sendable, Hashable {
  case nchw, nhwc

  /// The layout that the dimensions of a rank-4 input suggest: channels first, unless only the last
  /// dimension can count channels (1 or 3).
  package init(dimensions: [Dimension]) {
    let counts = dimensions.map { $0.size == 1 || $0.size == 3 }
    self = counts.count == 4 && !counts[1] && counts[3] ? .nhwc : .nchw
  }
}

/// The normalization of input values in each channel: x' = (x · inputScale − mean) / std.
///
/// It is computed in double precision and rounded once to float32. In super-resolution, x is the pixel in 0...1 and
/// the target is not normalized.
public struct Normalization: Sendable, Hashable {
  /// The mean of each channel, or one for all channels; empty for 0.
  public var mean: [Double]
  /// The standard deviation of each channel, or one for all channels, never 0; empty for 1.
  public var std: [Double]
  /// The factor of input values before the mean is subtracted.
  public var inputScale: Double

  public init(mean: [Double] = [], std: [Double] = [], inputScale: Double = 1) {
    self.mean = mean
    self.std = std
    self.inputScale = inputScale
  }

  public static let identity = Normalization()

  /// The normalization of each channel, or a single one where it is the same for all.
  ///
  /// - Throws: ``DatasetError/normalization(parameter:expected:actual:)`` where a value can't be used, or the number
  ///   of values doesn't fit the channels.
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

/// The normalization of one channel.
struct ChannelNormalization: Sendable, Hashable {
  var scale: Double
  var mean: Double
  var std: Double

  var isIdentity: Bool { scale == 1 && mean == 0 && std == 1 }

  func callAsFunction(_ x: Double) -> Float { Float((x * scale - mean) / std) }

  /// The normalized values of all bytes, read as `uint8`, `int8` or `bool`.
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
