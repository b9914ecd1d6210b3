import GraphIR
import Operators
import Passes

/// A converted model and what was done to it.
public struct Conversion: Sendable {
  /// What happened to one dot-product layer.
  public struct Layer: Sendable, Hashable {
    public var name: String
    /// The method that chose the integers.
    public var method: String
    public var weightBits: Int
    public var inputBits: Int
    public var inputSigned: Bool
    /// The width that the accumulator was held to, `nil` for none.
    public var accumulatorBits: Int?
    /// Sum of squared weight errors over the squared norm of the weights.
    public var relativeError: Double
    /// The norm of the output's error on calibration samples, as a part of the norm of the float output less its mean;
    /// `nil` where it wasn't measured, or the float output is constant.
    public var outputError: Double?
    /// Units by which weights were moved toward zero after rounding to meet the budget.
    public var repairs: Int
    /// True where K = 1 and A2Q stood in for A2Q+.
    public var fellBackToA2Q: Bool
    /// Biases inside the accumulator that were cut off for want of bits.
    public var cutBiases: Int
  }

  /// Why the recipe's P doesn't hold for a dot product that is quantized.
  package enum Exemption: Sendable, Hashable {
    /// It is one of ``Recipe/ioLayers``.
    case ioLayer
    /// A product of activations whose operands need more bits.
    case wideProduct(requiredBits: Int)
    /// A product of activations whose shapes don't tell how many products are summed.
    case unknownLength
    /// A recurrent layer that stays in floating point.
    case recurrent(RecurrentUnrolling.Obstacle)
  }

  /// Wall-clock seconds of each stage.
  package struct Seconds: Sendable, Hashable {
    package var prepare = 0.0
    package var calibrate = 0.0
    /// Choosing the integers of the weights.
    package var integers = 0.0
    /// Correcting the outputs of layers, and measuring what error is left in them.
    package var correct = 0.0

    package var total: Double { prepare + calibrate + integers + correct }
  }

  package var model: Model
  package var layers: [Layer]
  /// Names of layers that the recipe leaves in floating point.
  package var excluded: [String]
  /// The dot products, by name, that the recipe's P doesn't hold for.
  package var exemptions: [String: Exemption] = [:]
  /// What is known to cost quality, or was left undone; empty after a training.
  package var remarks: [Remark] = []
  /// What the passes changed before quantization.
  package var edits: [PassReport]
  /// Calibration samples read; 0 where ranges came from the graph.
  package var calibrationSamples: Int
  package var seconds = Seconds()
}

extension Conversion {
  /// The last stage: what the stages before have made, annotated and valid.
  init(_ calibrated: CalibratedModel, _ quantized: QuantizedModel) throws(ConversionError) {
    let plan = calibrated.plan
    self.init(
      model: calibrated.float,
      layers: zip(plan.layers, quantized.layers).map { Layer($0, $1.quantized, plan) },
      excluded: plan.excluded, edits: calibrated.edits,
      calibrationSamples: calibrated.runner?.sampleCount ?? 0)
    model.graph = quantized.graph
    try finish(plan, quantized.layers)
  }

  /// Enters in each layer what error its output has.
  mutating func measureOutputs(_ error: OutputError, float: Graph, runner: SampleRunner)
    throws(ConversionError)
  {
    let errors = try error.measure(float: float, quantized: model.graph, runner: runner)
    for (index, error) in errors.enumerated() { layers[index].outputError = error }
  }

  /// Annotates the baked model, and leaves it valid and without values that nothing reads.
  mutating func finish(_ plan: QuantizationPlan, _ baked: [BakedLayer]) throws(ConversionError) {
    AccumulatorAnnotator(plan: plan).annotate(&model, baked)
    exemptions = plan.exemptions
    for (name, obstacle) in RecurrentUnrolling.obstacles(in: model.graph, opset: model.opset) {
      exemptions[name] = .recurrent(obstacle)
    }
    model.importDomain(ModelBaker.domain, version: 1)
    model.graph.removeUnusedValues()
    do { try model.graph.validate() } catch { throw .graph(error) }
  }
}

extension Conversion.Layer {
  init(_ planned: PlannedLayer, _ quantized: QuantizedLayer, _ plan: QuantizationPlan) {
    let input = plan.input(of: planned).format
    self.init(
      name: planned.layer.name, method: quantized.method, weightBits: planned.weightBits,
      inputBits: input.bits, inputSigned: input.signed, accumulatorBits: planned.targetBits,
      relativeError: quantized.relativeError, repairs: quantized.repairs,
      fellBackToA2Q: quantized.fellBackToA2Q, cutBiases: quantized.cutBiases)
  }
}
