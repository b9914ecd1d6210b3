import Execution
import GraphIR
import Quantizers
import TensorCore

/// Chooses the clipping range of each activation quantizer, and its width, by the error that its readers' outputs
/// would have on calibration samples.
///
/// A narrower quantizer makes a layer's inputs coarser and its integers' budget larger, about twice with each bit
/// less; which one matters more differs from layer to layer. For each width and range that the recipe allows, the
/// weights of the group's layers are quantized under the budget of that width, and each layer's output is
/// computed from quantized weights and activations. A group's error is the sum, over its layers, of the error that
/// remains after correction, as a part of the output's variance; the branches of an addition count as a layer
/// that adds them. Each group is judged with float activations before it.
struct ActivationSearch {
  let recipe: Recipe
  let graph: Graph
  let runner: SampleRunner
  private let correction: ChannelAgreement.Correction

  /// The most samples, and the most elements of activations kept; large images reach that with fewer samples.
  static let sampleLimit = 64
  static let elementLimit = 1 << 26
  /// Bits less than the recipe's that are tried.
  static let narrowing = 2
  static let leastBits = 2
  /// A budget binds where it makes the weight error this many times as large.
  static let binding = 1.02

  /// - Parameter runner: over the samples of calibration.
  init(recipe: Recipe, graph: Graph, runner: SampleRunner) {
    self.recipe = recipe
    self.graph = graph
    let elements = runner.layerSizes.values.reduce(0, +)
    self.runner = runner.limited(
      to: min(Self.sampleLimit, max(1, Self.elementLimit / max(elements, 1))))
    correction =
      recipe.biasCorrection ? recipe.refine == .best ? .meanAndVariance : .mean : .none
  }

  /// - Parameter histograms: of each group's activations.
  /// - Throws: ``ConversionError`` where samples can't be run or weights can't be quantized.
  func run(
    _ plan: inout QuantizationPlan, histograms: [ActivationHistogram],
    progress: (Int) -> Void = { _ in }
  ) throws(ConversionError) {
    let executable = try runner.executable(graph)
    let session: Session
    do { session = try Session(graph: executable, options: .init(isReproducible: true)) } catch {
      throw .execution(error)
    }
    let kept = try activations(of: plan)
    for index in plan.groups.indices where histograms[index].count > 0 {
      let layers = plan.layers.filter { $0.group == index }
      var candidates = try candidates(plan.groups[index], layers, histograms[index])
      if candidates.count > 1 {
        for planned in layers {
          try judge(&candidates, planned, plan.groups[index].quantizer, session, kept)
        }
        judgeSums(&candidates, plan.groups[index], kept)
        // Of equal ones the first, which is the widest.
        if let best = candidates.min(by: { $0.error < $1.error }) {
          plan.groups[index].quantizer = best.quantizer
        }
      }
      progress(index + 1)
    }
  }

  /// What layers and additions read, batch by batch.
  private func activations(of plan: QuantizationPlan) throws(ConversionError)
    -> [ValueID: [Tensor]]
  {
    var values: [ValueID] = plan.layers.compactMap { $0.layer.data(in: graph) }
    values += plan.groups.flatMap { $0.edges.filter(isSummand).map(\.value) }
    var seen: Set<ValueID> = []
    values = values.filter { seen.insert($0).inserted }
    var kept: [ValueID: [Tensor]] = [:]
    try runner.observe(values, in: graph) { value, elements, shape in
      kept[value, default: []].append(Tensor(Array(elements), shape: shape))
    }
    return kept
  }

  private func isSummand(_ edge: ActivationEdge) -> Bool {
    graph[edge.consumer].op.elementwise == .sum
  }

  private func candidates(
    _ group: QuantizationPlan.ActivationGroup, _ layers: [PlannedLayer],
    _ histogram: ActivationHistogram
  ) throws(ConversionError) -> [Candidate] {
    let widest = group.quantizer.format
    var formats = [widest]
    let narrowest = max(Self.leastBits, widest.bits - Self.narrowing)
    if recipe.activationWidth == .searched, narrowest < widest.bits {
      var isBound = false
      for layer in layers where !isBound { isBound = try self.isBound(layer, group.quantizer) }
      if isBound { formats += (narrowest..<widest.bits).reversed().map(widest.with(bits:)) }
    }
    do {
      var candidates: [Candidate] = []
      for format in formats {
        for statistic in try recipe.rangeEstimator.statistics(histogram, format) {
          candidates.append(
            Candidate(
              quantizer: ActivationQuantizer(
                format: format, scale: format.scale(statistic: statistic))))
        }
      }
      return candidates
    } catch {
      let name = group.edges.first.map { graph[$0.value].name } ?? ""
      throw .activations(value: name, error)
    }
  }

  /// Whether the accumulator's budget costs a layer anything, so that a larger one could gain something.
  private func isBound(
    _ planned: PlannedLayer, _ input: ActivationQuantizer
  ) throws(ConversionError) -> Bool {
    guard planned.targetBits != nil else { return false }
    var free = planned
    free.method = .unconstrained
    let constrained = try quantized(planned, input).relativeError
    return constrained > Self.binding * (try quantized(free, input).relativeError)
  }

  private func quantized(
    _ planned: PlannedLayer, _ input: ActivationQuantizer
  ) throws(ConversionError) -> QuantizedLayer {
    guard let weight = planned.layer.weight(in: graph) else {
      throw .graph(.danglingValue(name: planned.layer.name, consumer: nil))
    }
    return try LayerQuantization(planned: planned, input: input, recipe: recipe)
      .run(planned.layer.layout.gather(weight))
  }

  /// Adds the error of a layer's output to that of each candidate.
  private func judge(
    _ candidates: inout [Candidate], _ planned: PlannedLayer,
    _ input: ActivationQuantizer, _ session: Session, _ kept: [ValueID: [Tensor]]
  ) throws(ConversionError) {
    let layer = planned.layer
    guard let data = layer.data(in: graph), let output = layer.output(in: graph),
      let weight = graph[layer.node].inputs[layer.weightPosition],
      let original = layer.weight(in: graph), let inputs = kept[data]
    else { return }
    func compute(_ x: Tensor, _ w: Tensor) throws(ConversionError) -> Tensor? {
      do {
        return try session.run([data: x, weight: w], fetch: [output])[output]
      } catch { throw .execution(error) }
    }
    var wanted: [Tensor] = []
    for x in inputs { if let y = try compute(x, original) { wanted.append(y) } }
    guard wanted.count == inputs.count else { return }
    var weights: [Int: Tensor] = [:]
    for index in candidates.indices {
      let format = candidates[index].quantizer.format
      if weights[format.bits] == nil {
        let narrowed = ActivationQuantizer(format: format, scale: input.scale)
        weights[format.bits] = try quantized(planned, narrowed).weight(
          layer.layout, shape: original.shape)
      }
      guard let w = weights[format.bits] else { continue }
      var agreement = ChannelAgreement(
        channels: layer.layout.channelCount, axis: layer.outputAxis)
      for (x, y) in zip(inputs, wanted) {
        guard let z = try compute(candidates[index].quantize(x), w) else {
          continue
        }
        y.withElements(of: Float.self) { y in
          z.withElements(of: Float.self) {
            agreement.observe(wanted: y, found: $0, shape: z.shape)
          }
        }
      }
      candidates[index].error += agreement.relativeError(after: correction)
    }
  }

  /// Adds the error of what additions read, as a part of its power, to that of each candidate.
  private func judgeSums(
    _ candidates: inout [Candidate], _ group: QuantizationPlan.ActivationGroup,
    _ kept: [ValueID: [Tensor]]
  ) {
    for edge in group.edges where isSummand(edge) {
      for index in candidates.indices {
        var (error, power) = (0.0, 0.0)
        for x in kept[edge.value] ?? [] {
          let quantized = candidates[index].quantize(x)
          x.withElements(of: Float.self) { x in
            quantized.withElements(of: Float.self) { q in
              for position in x.indices {
                let difference = Double(q[position] - x[position])
                error += difference * difference
                power += Double(x[position]) * Double(x[position])
              }
            }
          }
        }
        if power > 0 { candidates[index].error += error / power }
      }
    }
  }
}

/// A quantizer that may be given to a group.
private struct Candidate {
  var quantizer: ActivationQuantizer
  var error = 0.0

  func quantize(_ x: Tensor) -> Tensor {
    x.withElements(of: Float.self) { source in
      Tensor(shape: x.shape, of: Float.self) { quantizer.forward(source, values: $0) }
    }
  }
}

extension Recipe.RangeEstimator {
  /// The clipping statistics to choose from.
  fileprivate func statistics(_ histogram: ActivationHistogram, _ format: ActivationFormat)
    throws(QuantizerError) -> [Float]
  {
    switch estimator(for: format) {
    case .percentile: [try histogram.percentile()]
    case .automatic, .mse: [try histogram.leastErrorStatistic(for: format)]
    case .output:
      [
        try histogram.leastErrorStatistic(for: format), try histogram.percentile(),
        try histogram.percentile(0.999),
      ]
    }
  }
}
