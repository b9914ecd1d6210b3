import Datasets
import Execution
import GraphIR
import OnnxFormat
import Operators
import Passes
import Quantization
import TensorCore
import Training
import Verification

/// Why a job can't be done.
public enum SnugError: Error, Sendable {
  case recipe(RecipeFileError)
  /// A model or tensor file can't be read or written.
  case format(FormatError)
  case graph(file: String, GraphError)
  case dataset(DatasetError)
  /// A model can't be executed.
  case execution(file: String, ExecutionError)
  /// A model can't be converted.
  case conversion(file: String, ConversionError)
  /// A model can't be trained, or was asked to stop.
  case training(file: String, TrainingError)
  /// A file that is neither model nor tensor can't be read or written.
  case file(FileError)

  // MARK: What a job was given doesn't fit the model or the data
  /// A tensor for an input that the graph doesn't have.
  case unknownInput(file: String, name: String, available: [String])
  case missingInput(file: String, name: String, available: [String])
  case inputWithoutType(file: String, name: String)
  /// A shape for an input that can't have it.
  case inputShape(file: String, InputShapeError)
  /// A text that names no operator.
  case operatorName(String)
  /// A text that is no shape.
  case shapeText(String)
  case noOutput(file: String)
  /// An output is, contains, or lies in an input or another output.
  case paths(PathConflict)
  /// An output that is no ordinary file can't be used so.
  case specialOutput(option: String, path: String, SpecialOutput)
  /// Two outputs would be written to one file.
  case outputNames(first: String, second: String, file: String)
  /// Training without samples.
  case trainingWithoutData
  case reconstructionWithoutData
  /// A page of what layers lose without samples to find it on.
  case comparisonWithoutData
  /// A sweep without samples to calibrate and measure on.
  case sweepWithoutData
  /// A sweep with training, and no other samples to measure on.
  case sweepWithoutValidation
  /// A folder that another process writes to.
  case sweepInUse(folder: String, process: Int?)
  /// A file of a sweep that can't be gone on from.
  case sweepState(file: String, String)
  /// A folder with a sweep of other options, another model or other data; `key` says which.
  case otherSweep(folder: String, key: String)
  /// A choice of widths without samples to calibrate and measure on.
  case choiceWithoutData
  /// A choice of widths on fewer than two samples.
  case choiceWithoutSamples(data: String)
  /// A choice of widths with an option that it doesn't go with.
  case choiceBeside(option: String)
  /// Another process chooses for the same output.
  case choiceInUse(output: String, process: Int?)
  /// A model without a layer whose widths could be chosen.
  case choiceWithoutLayers(file: String)
  /// A layer whose cost isn't known.
  case choiceWithoutCost(file: String, layer: String, cost: String)
  /// A layer whose loss can't be measured, since the two models have nothing of it in common.
  case choiceWithoutNoise(file: String, layer: String)
  /// No widths up to the given ones keep the loss.
  case choiceLossTooSmall(file: String, asked: Double, least: Double, unit: String, widest: String)
  /// A name that no dot product has.
  case unknownLayer(file: String, name: String, suggestion: String?)
  /// Two models without a layer of one name.
  case nothingToCompare(reference: String, model: String)
  /// Training in batches that the model's fixed batch doesn't allow.
  case trainingBatch(file: String, fixed: Int, given: Int)
  /// Narrow accumulators for a model or layer whose sums aren't emulated.
  case accumulatorsNotEmulated(file: String, node: String?, reason: String)
  /// Export of a model without quantizers.
  case notQuantized(file: String)
  /// An export in a format that can't express what is asked for.
  case inexpressible(ExportFeature)
  /// An export that moves weights, so that a layer's tiles hold other products, which don't fit their registers.
  case tilesReordered(file: String, layer: String, overflow: String, channelsLast: Bool)
  /// A document that is no certificate of this version.
  case certificate(file: String, CertificateFault)
  /// Registers that give the width, beside another width.
  case registersWithWidth(String)
  /// A text that names or describes no registers.
  case registers(String, reason: String)
  /// A model that was not written, since layers that must fit an accumulator are not proved to.
  case notCertified(output: String, layers: [UncertifiedLayer])
  /// A model that was not written, since layers are not held to the width that was asked for, and nothing else would do.
  case notHeld(output: String, layers: [UnheldLayer])
  /// A model that was not written, since what it would state its own tensors and operators disprove.
  case contradictoryOutput(output: String, ModelFinding)
  /// The caller wished the job to stop.
  case interrupted
  /// Super-resolution without the factor.
  case scaleMissing
}

/// What is wrong with a certificate before it is held against a model.
public enum CertificateFault: Sendable, Hashable {
  case malformed(JSONError)
  case otherSchema
  case conditions
}

extension SnugError {
  /// Runs `body` and wraps what it throws.
  static func wrapping<T, E: Error>(
    _ wrap: (E) -> SnugError, _ body: () throws(E) -> T
  ) throws(SnugError) -> T {
    do { return try body() } catch { throw wrap(error) }
  }

  /// The value of an expression, with what it throws wrapped.
  static func wrapping<T, E: Error>(
    _ wrap: (E) -> SnugError, _ value: @autoclosure () throws(E) -> T
  ) throws(SnugError) -> T {
    do { return try value() } catch { throw wrap(error) }
  }
}
