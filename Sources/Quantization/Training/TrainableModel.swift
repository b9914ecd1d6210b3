import GraphIR
import Operators
import Passes
import Quantizers
import TensorCore

/// A float model with quantizers in it that can be trained, and the way from there to a certified model.
///
/// The graph holds training-time operators (``FakeQuantizedWeight``, ``PointwiseChain``) and is never written.
package struct TrainableModel: Sendable {
  /// A quantized layer.
  package struct Layer: Sendable {
    package var name: String
    package var quantizer: any WeightQuantizer
    /// v, d and t; t is `nil` for a method without a norm parameter.
    package var weight: ValueID
    package var log2Scale: ValueID
    package var log2Norm: ValueID?
    /// `nil` where no bias counts in the accumulator.
    package var bias: Bias?
  }

  /// A bias that counts in its layer's accumulator.
  package struct Bias: Sendable {
    /// c, and p of the layer's input.
    package var value: ValueID
    package var statistic: ValueID
    package var step: AccumulatorStep

    /// c in steps of the input.
    ///
    /// - Parameters:
    ///   - values: c.
    ///   - log2Statistic: p.
    package func inSteps(_ values: some Collection<Float>, log2Statistic: Float) -> [Float] {
      let step = step.value(log2Statistic: log2Statistic)
      return values.map { $0 / step }
    }
  }

  /// What stands behind a layer's name in that of the node which quantizes its weight.
  package static let quantizerSuffix = "_weight_quantizer"

  package let graph: Graph
  package private(set) var parameters: [TrainableParameter]
  package let layers: [Layer]
  /// The float model's graph, for batches of any size, such as a teacher needs.
  package let floatGraph: Graph
  /// Samples that calibration read.
  package let calibrationSamples: Int
  package internal(set) var seconds = Conversion.Seconds()

  /// The model after import, as it was before any quantizer, its constants corrected where training starts from a
  /// conversion.
  let float: Model
  let plan: QuantizationPlan
  let edits: [PassReport]
  /// p of each activation group of the plan.
  let statistics: [ValueID]

  /// The same model with other values to start from.
  ///
  /// - Parameter tensor: the new start of a parameter, of the same shape.
  package func starting(from tensor: (ValueID) -> Tensor?) -> TrainableModel {
    var result = self
    for index in parameters.indices {
      if let start = tensor(parameters[index].value) { result.parameters[index].initial = start }
    }
    return result
  }

  /// The model with its integers baked, from the parameters that training would start from.
  ///
  /// - Throws: as ``bake(_:)``.
  package func bake() throws(ConversionError) -> Conversion {
    let start = Dictionary(uniqueKeysWithValues: parameters.map { ($0.value, $0.initial) })
    return try bake { value in
      guard let tensor = start[value] else { preconditionFailure("every parameter has a start") }
      return tensor
    }
  }

  /// The model with its integers baked, from the parameters as they now are.
  ///
  /// - Parameter tensor: the present value of a parameter.
  /// - Throws: ``ConversionError/quantizer(node:_:)`` for parameters that aren't finite.
  package func bake(_ tensor: (ValueID) -> Tensor) throws(ConversionError) -> Conversion {
    var plan = plan
    for (index, statistic) in statistics.enumerated() {
      let format = plan.groups[index].quantizer.format
      let p = tensor(statistic).elements(of: Float.self)[0]
      plan.groups[index].quantizer = ActivationQuantizer(
        format: format, scale: format.scale(log2Statistic: p))
    }
    var quantized: [QuantizedLayer] = []
    for (index, layer) in layers.enumerated() {
      let planned = plan.layers[index]
      let weights = planned.layer.layout.gather(tensor(layer.weight))
      let original = planned.layer.weight(in: float.graph).map(planned.layer.layout.gather)
      var parameters = ChannelParameters(
        log2Scale: tensor(layer.log2Scale).elements(of: Float.self),
        log2Norm: layer.log2Norm.map { tensor($0).elements(of: Float.self) } ?? [])
      if let bias = layer.bias {
        let values = tensor(bias.value).elements(of: Float.self)
        plan.layers[index].bias?.values = values
        parameters.biases = bias.inSteps(
          values, log2Statistic: tensor(bias.statistic).elements(of: Float.self)[0])
      }
      do {
        let result = try layer.quantizer.quantize(weights, parameters)
        var made = QuantizedLayer(result, by: layer.quantizer, from: original ?? weights)
        made.biases = parameters.biases.indices.map { channel in
          layer.quantizer.layer.integer(
            ofBias: parameters.biases[channel], channel, scale: result.scales[channel])
        }
        made.countCutBiases(parameters.biases)
        quantized.append(made)
      } catch { throw .quantizer(node: layer.name, error) }
    }
    var result = float
    for parameter in parameters where result.graph.contains(parameter.value) {
      switch parameter.kind {
      case .bias, .normalization, .statistic, .weight:
        let tensor = tensor(parameter.value)
        result.graph.setConstant(parameter.value, tensor)
      case .log2Scale, .log2Norm, .log2Statistic: break
      }
    }
    // A training moves the weights of each layer on their own.
    let baked = ModelBaker(
      plan: plan, layers: quantized, shared: SharedWeights(separate: quantized.count)
    ).bake(into: &result.graph)
    var conversion = Conversion(
      model: result, layers: zip(plan.layers, quantized).map { Conversion.Layer($0, $1, plan) },
      excluded: plan.excluded, edits: edits, calibrationSamples: calibrationSamples,
      seconds: seconds)
    try conversion.finish(plan, baked)
    return conversion
  }
}
