import GraphIR
import Operators
import Quantizers

/// Chooses the weights of one layer after the other anew, by the error of its output on calibration samples, as
/// far as the recipe asks for it.
struct OutputQuantization {
  let plan: QuantizationPlan
  let recipe: Recipe
  private let float: Graph
  private var collection: MomentCollection

  /// Whether a recipe needs second moments of the inputs.
  static func isNeeded(_ recipe: Recipe) -> Bool {
    recipe.refine == .best && (recipe.scaleSearch == .output || recipe.rounding != .nearest)
  }

  /// - Parameters:
  ///   - runner: the samples that the quantized graph is walked through with.
  ///   - float: the graph before quantization.
  /// - Throws: ``ConversionError`` where the graph has a cycle.
  init(plan: QuantizationPlan, recipe: Recipe, runner: SampleRunner, float: Graph)
    throws(ConversionError)
  {
    self.plan = plan
    self.recipe = recipe
    self.float = float
    collection = try MomentCollection(plan.layers.map(\.layer), runner: runner, float: float)
  }

  /// Replaces the integers and scales of a layer. Layers must come in order, each after all that stand before it.
  ///
  /// - Throws: ``ConversionError`` where samples can't be run.
  mutating func run(
    _ index: Int, _ baked: inout BakedLayer, in graph: inout Graph, _ walk: LayerWalk
  ) throws(ConversionError) {
    let planned = plan.layers[index]
    // What several layers share isn't chosen by the outputs of one.
    if !baked.sharesWeight, let weight = planned.layer.weight(in: float),
      let moments = try collection.moments(index, of: planned.layer, in: graph, walk)
    {
      let quantization = LayerQuantization(
        planned: planned, input: plan.input(of: planned), recipe: recipe)
      let weights = planned.layer.layout.gather(weight)
      baked.replace(
        with: try quantization.improved(baked.quantized, weights: weights, moments: moments),
        in: &graph)
    }
    try collection.advance(past: index)
  }
}

extension LayerQuantization {
  /// The layer with integers and scales chosen by ``OutputErrorQuantizer``.
  ///
  /// - Parameter weights: the float weights, channels x K, row-major.
  /// - Throws: ``ConversionError/quantizer(node:_:)`` where a budget is infeasible.
  func improved(_ start: QuantizedLayer, weights: [Float], moments: MomentCollection.Moments)
    throws(ConversionError) -> QuantizedLayer
  {
    let quantizer = OutputErrorQuantizer(
      weightLayer, rounding: recipe.rounding, searchesScale: recipe.scaleSearch == .output,
      ignoresMean: recipe.biasCorrection, scaleType: recipe.scaleType)
    let quantized: QuantizedWeights
    do {
      quantized = try quantizer.quantize(
        target(weights),
        from: QuantizedWeights(codes: start.integers, scales: start.scales),
        moments: moments.fit, heldOut: moments.heldOut.isEmpty ? nil : moments.heldOut)
    } catch {
      throw .quantizer(node: planned.layer.name, error)
    }
    var result = start
    result.integers = quantized.codes
    result.scales = quantized.scales
    result.quantizeBiases(of: weightLayer)
    result.repairs += quantized.summary.repairedUnits
    result.relativeError = quantized.relativeError(from: weights)
    return result
  }
}
