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
  public var seed = 0
  /// Threads to compute with; `nil` takes all cores.
  public var threads: Int?

  public init() {}
}

/// A dialect in which quantized models are written.
public enum ExportFormat: String, Sendable, Hashable, CaseIterable {
  /// Float tensors between `Quant` nodes of the domain `qonnx.custom_op.general`.
  case qonnx
}
