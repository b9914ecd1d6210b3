import Execution
import GraphIR
import Operators
import Passes
import Quantizers

/// Why a model can't be converted.
public enum ConversionError: Error, Sendable {
  case recipe(RecipeError)
  case graph(GraphError)
  case pass(PassError)
  case execution(ExecutionError)
  /// A node is a quantizer or computes on integers already.
  case alreadyQuantized(node: String, type: String)
  /// No node multiplies activations by a constant weight, or the recipe excludes all that do.
  case nothingToQuantize(excluded: Int)
  /// Nothing but recurrent layers that can't be written as others, such as this one.
  case recurrent(node: String, RecurrentObstacle)
  /// Activations whose range neither the graph nor calibration data tells.
  case needsCalibration(values: [String])
  /// The source of calibration samples failed.
  case calibrationData(any Error)
  /// The source has no samples.
  case emptyCalibration
  /// The model fixes its batch, and the samples don't make up a whole one.
  case batchSize(fixed: Int, samples: Int)
  /// A layer's weights or the activations before it can't be quantized.
  case quantizer(node: String, QuantizerError)
  case activations(value: String, QuantizerError)
}

extension ConversionError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .recipe(let error): "\(error)"
    case .graph(let error): "\(error)"
    case .pass(let error): "\(error)"
    case .execution(let error): "\(error)"
    case .alreadyQuantized(let node, let type):
      "node '\(node)' (\(type)): the model is already quantized"
    case .nothingToQuantize(0):
      "no Conv, ConvTranspose, Gemm or MatMul with a constant weight, so there is nothing to constrain"
    case .nothingToQuantize(let excluded):
      "the recipe excludes all \(excluded) layers, so there is nothing to constrain"
    case .recurrent(let node, let obstacle):
      "nothing can be constrained but the recurrent layer '\(node)', which stays as it is: \(obstacle)"
    case .needsCalibration(let values):
      "the range of \(values.prefix(3).map { "'\($0)'" }.joined(separator: ", "))"
        + (values.count > 3 ? " and \(values.count - 3) more activations" : "")
        + " follows from no operator"
    case .calibrationData(let error): "\(error)"
    case .emptyCalibration: "the calibration data has no samples"
    case .batchSize(let fixed, let samples):
      "the model's batch is fixed at \(fixed), and there are \(samples) samples"
    case .quantizer(let node, let error): "node '\(node)': \(error)"
    case .activations(let value, let error): "activations '\(value)': \(error)"
    }
  }
}
