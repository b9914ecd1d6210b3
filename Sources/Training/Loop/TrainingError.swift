import Datasets
import Execution
import Quantization
import TensorCore

/// Why a training can't begin or continue.
public enum TrainingError: Error, Sendable {
  case conversion(ConversionError)
  case execution(ExecutionError)
  case dataset(DatasetError)
  case optimizer(OptimizerError)
  case loss(LossError)
  /// The loss or a gradient of a step is not finite; `parameter` is the first whose gradient isn't, where known.
  case diverged(step: Int, epoch: Int, loss: Double, parameter: String?)
  case checkpoint(CheckpointError)
  case log(TrainingLogError)
  case plot(FileError)
  /// The loss needs something that the data doesn't have.
  case noReference(LossKind, path: String)
  /// There are fewer samples of one shape than the model's fixed batch size.
  case tooFewSamples(given: Int, batch: Int)
  /// What measuring on validation data threw.
  case validation(any Error)
  /// Training was asked to stop; with `resumable` false nothing was saved.
  case interrupted(step: Int, resumable: Bool)

  /// Runs `body` and wraps what it throws.
  static func wrapping<T, E: Error>(
    _ wrap: (E) -> TrainingError, _ body: () throws(E) -> T
  ) throws(TrainingError) -> T {
    do { return try body() } catch { throw wrap(error) }
  }

  /// The value of an expression, with what it throws wrapped.
  static func wrapping<T, E: Error>(
    _ wrap: (E) -> TrainingError, _ value: @autoclosure () throws(E) -> T
  ) throws(TrainingError) -> T {
    do { return try value() } catch { throw wrap(error) }
  }
}

extension TrainingError: CustomStringConvertible {
  /// One line that says what to do, where there is something to do.
  public var description: String {
    switch self {
    case .conversion(let error): "\(error)"
    case .execution(let error): "\(error)"
    case .dataset(let error): "\(error)"
    case .optimizer(let error): "\(error)"
    case .loss(let error): "\(error)"
    case .diverged(let step, let epoch, let loss, let parameter):
      "training diverged at step \(step) (epoch \(epoch + 1)): "
        + (loss.isFinite ? "a gradient" : "the loss") + " is not finite"
        + (parameter.map { ", first in '\($0.singleLine)'" } ?? "")
        + "; use a lower --learning-rate, a warm-up or --clip-gradients, or check the data"
    case .checkpoint(let error): "\(error)"
    case .log(let error): "\(error)"
    case .plot(let error): "\(error)"
    case .noReference(let loss, let path):
      "\(path): has no \(loss == .crossEntropy ? "labels" : "targets") for the loss "
        + "\(loss.rawValue); use --loss distill, which needs none"
    case .tooFewSamples(let given, let batch):
      "\(given) samples of one shape don't fill the model's fixed batch of \(batch); give more --data"
    case .validation(let error): "\(error)"
    case .interrupted(let step, let resumable):
      resumable
        ? "interrupted after step \(step); the same command resumes it"
        : "interrupted after step \(step); give --checkpoint-dir to be able to resume"
    }
  }
}
