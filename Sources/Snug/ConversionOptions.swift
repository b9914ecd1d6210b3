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
  /// Shapes of inputs that the model leaves open, each as `NAME=1x3x224x224`.
  public var shapes: [String] = []
  /// The size of first dimensions that the model leaves open.
  public var batch: Int?
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
