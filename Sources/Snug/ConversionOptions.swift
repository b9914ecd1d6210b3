import Quantization
import Training

/// Everything that decides a conversion, besides the model and where the result goes.
public struct ConversionOptions: Sendable {
  public var recipe = Recipe()
  public var preprocessing = Preprocessing()
  /// Calibration samples.
  public var data: String?
  /// Held-out samples for the metric before and after.
  public var validation: String?
  public var format = ExportFormat.qonnx
  /// Whether anything that was asked for and not done is an error.
  public var isStrict = false
  /// How the model is fine-tuned; 0 epochs convert it as it is.
  public var training: TrainingSettings
  /// What a training leaves besides the model.
  public var trainingOutputs = Trainer.Outputs()
  /// Seed of everything that is drawn at random.
  public var seed = 0
  /// Threads to compute with; `nil` takes all cores.
  public var threads: Int?

  /// - Parameter epochs: passes of fine-tuning over the data.
  public init(epochs: Int = 0) {
    training = TrainingSettings()
    training.epochs = epochs
  }
}

/// A dialect in which quantized models are written.
public enum ExportFormat: String, Sendable, Hashable, CaseIterable {
  /// Float tensors between `Quant` nodes of the domain `qonnx.custom_op.general`.
  case qonnx
  /// `QuantizeLinear`, `Clip` and `DequantizeLinear` in 8-bit types.
  case qcdq
  /// `QuantizeLinear` and `DequantizeLinear`, 4-bit codes in INT4 and UINT4.
  case qdqInt4 = "qdq-int4"
  /// `ConvInteger` and `MatMulInteger` on 8-bit codes, scales after their 32-bit sums.
  case integer
  /// `Quant` nodes as hls4ml reads them: channels last, scales and biases behind the layers.
  case hls4ml
}
