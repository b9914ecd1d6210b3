import Quantization

/// Everything that decides a conversion, besides the model and where the result goes.
public struct ConversionOptions: Sendable {
  public var recipe = Recipe()
  public var preprocessing = Preprocessing()
  /// Calibration samples.
  public var data: String?
  /// Held-out samples for the metric before and after.
  public var validation: String?
  public var format = ExportFormat.qonnx
  /// Seed of everything that is drawn at random.
  public var seed: UInt64 = 0
  /// Threads to compute with; `nil` takes all cores.
  public var threads: Int?

  public init() {}
}

/// A dialect in which quantized models are written.
public enum ExportFormat: String, Sendable, Hashable, CaseIterable {
  /// Float tensors between `Quant` nodes of the domain `qonnx.custom_op.general`.
  case qonnx
}

/// What a model's outputs mean, which decides its metric.
public enum Task: String, Sendable, Hashable, CaseIterable {
  /// Class scores; top-1 and top-5 accuracy in percent, and cross-entropy.
  case classification
  /// Images in, larger images out; PSNR in dB on RGB images in 0...1.
  case superResolution = "super-resolution"
  /// Any real outputs; mean squared error.
  case regression
}

/// How samples on disk become the model's input: x' = (x · inputScale − mean) / std.
public struct Preprocessing: Sendable, Hashable {
  /// One value a channel, or one for all; empty means 0.
  public var mean: [Double] = []
  /// One value a channel, or one for all; empty means 1.
  public var standardDeviation: [Double] = []
  public var inputScale = 1.0
  /// `nil` tells the task from the data.
  public var task: Task?
  /// Factor by which super-resolution inputs are smaller than their targets.
  public var upscaleFactor: Int?

  public init() {}
}
