import Datasets
import GraphIR
import Quantization
import Reporting
import TensorCore
import Verification

/// Finds widths for each layer that cost as little as a largest loss allows.
///
/// 1. The model is converted at some widths for all layers alike. Each conversion shows what noise every layer then adds at
///    its own output, how many bits its sums need, and what the whole loses.
/// 2. One of these conversions shows how much of each layer's noise reaches the outputs.
/// 3. A walk down all layers' hulls of noise over cost gives the order in which layers get narrower (``WidthFrontier``), as
///    if noises added up.
/// 4. Conversions at points of that walk, found by bisection, are measured as a whole: the cheapest that keeps the loss is
///    taken, unless one with the same widths for all is cheaper still. Those that keep it on the leading half of the samples
///    alone are passed over.
struct ChoiceJob {
  let file: ModelFile
  let options: ChoiceOptions
  let maxLoss: Double
  let progress: ProgressHandler
  private let model: Model
  private let series: ConversionSeries
  private let meter: LossMeter
  private var state: ChoiceState
  /// The layers to choose for, in the order of the model.
  private var names: [String] = []
  private var uniform: [(widths: LayerWidths, measured: ChoiceState.Measured)] = []
  private var done = 0
  /// About as many conversions as there will be.
  private var expected = 0

  /// Widths that a choice tries, of those up to the given ones.
  private static let ladder = [8, 6, 5, 4, 3, 2]
  /// Samples that the noise of layers is measured on.
  private static let noiseSamples = 32
  /// Conversions at the same widths of factors, with narrower and narrower accumulators.
  private static let accumulatorSteps = 5
  /// About as many points of a walk are measured.
  private static let searchSteps = 10
  /// Accumulators that lose more than so many times the largest loss aren't made narrower still for all layers.
  private static let hopeless = 8.0

  /// - Throws: ``SnugError`` where model or data can't be read, or there is nothing to choose.
  init(
    file: ModelFile, options: ChoiceOptions, maxLoss: Double, state path: String,
    progress: @escaping ProgressHandler
  ) throws(SnugError) {
    self.file = file
    self.options = options
    self.maxLoss = maxLoss
    self.progress = progress
    let conversion = options.conversion
    guard let data = conversion.data else { throw .choiceWithoutData }
    model = try file.specialized(conversion).model
    try file.wrapping(try Converter(conversion.recipe).check(model))
    let graph = try file.inSinglePrecision(model.graph)
    let calibration = try file.calibration(for: graph, conversion)
    series = try file.wrapping(
      try ConversionSeries(model, conversion.recipe, calibration: calibration))
    meter = try LossMeter(
      ComparisonJob.Side(file, graph, try file.verify().result.layers),
      data: conversion.validation ?? data, preprocessing: conversion.preprocessing,
      count: options.samples, seed: conversion.seed)
    state = ChoiceState(path: path, identity: try Self.identity(file, options))
  }

  /// Whether losses are those of a metric.
  var hasLabels: Bool { meter.metric != nil }

  /// What decides every measurement.
  private static func identity(_ file: ModelFile, _ options: ChoiceOptions) throws(SnugError)
    -> JSONValue
  {
    .object(
      [
        JSONMember("version", .string(version)), JSONMember("model", try file.fingerprint),
        JSONMember("minimize", options.minimize.json),
        JSONMember("loss_samples", JSONValue(options.samples)),
        JSONMember("recipe", options.conversion.recipeJSON),
      ] + (try DataContent.members(of: options.conversion.data, as: "data"))
        + (try DataContent.members(of: options.conversion.validation, as: "validation")))
  }

  // MARK: The search

  mutating func run() throws(SnugError) -> (recipe: Recipe, summary: ChoiceSummary) {
    try measureUniform()
    guard let widest = uniform.first else { throw .choiceWithoutLayers(file: file.path) }
    let frontier = WidthFrontier(try candidates())
    let alike = uniform.filter { $0.measured.loss.worst <= maxLoss }
      .min { ($0.measured.cost, $0.widths.text) < ($1.measured.cost, $1.widths.text) }
    let mixed = try cheapest(of: frontier)
    var best = mixed.map { (widths: $0.widths, measured: $0.measured) }
    if let alike, best.map({ alike.measured.cost < $0.measured.cost }) ?? true {
      best = ([LayerWidths](repeating: alike.widths, count: names.count), alike.measured)
    }
    guard let best else {
      let least = uniform.map(\.measured.loss.worst).min() ?? widest.measured.loss.worst
      throw .choiceLossTooSmall(
        file: file.path, asked: maxLoss, least: least, unit: meter.unit,
        widest: widest.widths.text)
    }
    let summary = ChoiceSummary(
      minimized: options.minimize.description, cost: best.measured.cost, maxLoss: maxLoss,
      loss: best.measured.loss.worst, lossUnit: meter.unit, samples: meter.sampleCount,
      conversions: done,
      layers: zip(names, best.widths).map { ChoiceSummary.Layer(name: $0, widths: $1) },
      alike: alike.map {
        ChoiceSummary.Alike(
          widths: $0.widths, cost: $0.measured.cost, loss: $0.measured.loss.worst)
      })
    return (recipe(best.widths), summary)
  }

  /// The cheapest point of a walk that keeps the loss on both halves of the samples, of those that were looked at.
  private mutating func cheapest(of frontier: WidthFrontier) throws(SnugError) -> (
    widths: [LayerWidths], measured: ChoiceState.Measured
  )? {
    var seen: [(widths: [LayerWidths], measured: ChoiceState.Measured)] = []
    func keepsLoss(_ step: Int, _ loss: KeyPath<LossMeter.Loss, Double>) throws(SnugError) -> Bool {
      let widths = frontier.widths(after: step)
      guard let found = try measured(widths) else { return false }
      if found.loss.worst <= maxLoss { seen.append((widths, found)) }
      return found.loss[keyPath: loss] <= maxLoss
    }
    guard try keepsLoss(0, \.leading) else { return nil }
    var (low, high) = (0, frontier.steps.count)
    while low < high {
      let middle = (low + high + 1) / 2
      if try keepsLoss(middle, \.leading) { low = middle } else { high = middle - 1 }
    }
    // What leads has been looked at many times; the other half decides.
    var (step, stride) = (low, 1)
    while try !keepsLoss(step, \.worst), step > 0 {
      step = max(0, step - stride)
      stride *= 2
    }
    return seen.min {
      ($0.measured.cost, $0.widths.map(\.text).joined())
        < ($1.measured.cost, $1.widths.map(\.text).joined())
    }
  }

  // MARK: The same widths for all layers

  private mutating func measureUniform() throws(SnugError) {
    let recipe = options.conversion.recipe
    // Bytes of weights depend on nothing but their own width.
    let (pairs, steps) =
      options.minimize == .weightBytes
      ? (Self.steps(recipe.weightBits).map { ($0, recipe.activationBits) }, 1)
      : (Self.pairs(recipe.weightBits, recipe.activationBits), Self.accumulatorSteps)
    for (index, (weightBits, activationBits)) in pairs.enumerated() {
      var bits = recipe.accumulatorBits
      for _ in 0..<steps {
        expected = done + (pairs.count - index) * steps + Self.searchSteps
        let widths = LayerWidths(
          weightBits: weightBits, activationBits: activationBits, accumulatorBits: bits)
        guard let found = try measured(alike: widths) else { break }
        uniform.append((widths, found))
        // A register that is wider than all sums need is the same as one that just holds them.
        let needed = found.layers.map(\.accumulatorBits).max() ?? bits
        bits = min(bits, needed) - 1
        if found.loss.worst > Self.hopeless * max(maxLoss, 0.1) || bits < 2 { break }
      }
    }
  }

  /// A width and the narrower ones that are tried.
  private static func steps(_ bits: Int) -> [Int] { [bits] + ladder.filter { $0 < bits } }

  /// Widths of both factors, the same or a step of the ladder apart, from the widest on.
  static func pairs(_ weightBits: Int, _ activationBits: Int) -> [(Int, Int)] {
    let (weights, activations) = (steps(weightBits), steps(activationBits))
    var pairs: [(Int, Int)] = []
    for step in 0..<max(weights.count, activations.count) {
      for (a, b) in [(step, step), (step, step + 1), (step + 1, step)]
      where weights.indices.contains(a) && activations.indices.contains(b) {
        pairs.append((weights[a], activations[b]))
      }
    }
    return pairs
  }

  /// The candidates of each layer, from all conversions with the same widths.
  private mutating func candidates() throws(SnugError) -> [[WidthCandidate]] {
    let reaches = try reaches()
    return names.indices.map { layer in
      uniform.map { point in
        let found = point.measured.layers[layer]
        var widths = point.widths
        widths.accumulatorBits = min(widths.accumulatorBits, found.accumulatorBits)
        return WidthCandidate(
          widths: widths, cost: found.cost, noise: found.noise * reaches[layer])
      }
    }
  }

  /// How much of each layer's own noise reaches the outputs, from the conversion of middling loss.
  private mutating func reaches() throws(SnugError) -> [Double] {
    let sorted = uniform.sorted {
      ($0.measured.loss.worst, $0.widths.text) < ($1.measured.loss.worst, $1.widths.text)
    }
    let middle = sorted[sorted.count / 2]
    let found = try measured(alike: middle.widths, knownLoss: middle.measured.loss)
    return (found?.layers ?? []).map { layer in
      guard let reach = layer.reach, layer.noise > 0 else { return 1 }
      return reach / layer.noise
    }
  }

  // MARK: Measuring

  /// Measures a conversion with the same widths for all layers; `nil` where it can't be made.
  ///
  /// - Parameter knownLoss: what it loses, where that was measured before and what reaches the outputs is wanted too.
  private mutating func measured(alike widths: LayerWidths, knownLoss: LossMeter.Loss? = nil)
    throws(SnugError) -> ChoiceState.Measured?
  {
    let key = "\(widths.text)\(knownLoss == nil ? "" : " reach")"
    let found: ChoiceState.Measured?
    if let known = state.known[key] {
      found = known
    } else {
      var recipe = options.conversion.recipe
      (recipe.weightBits, recipe.activationBits, recipe.accumulatorBits) = (
        widths.weightBits, widths.activationBits, widths.accumulatorBits
      )
      found = try make(recipe).map { (made) throws(SnugError) in
        try measure(made, recipe, knownLoss: knownLoss)
      }
      try state.add(found, as: key)
    }
    if names.isEmpty, let found { names = found.layers.map(\.name) }
    if names.isEmpty { throw .choiceWithoutLayers(file: file.path) }
    advance(widths.text)
    return found
  }

  private func measure(_ made: Made, _ recipe: Recipe, knownLoss: LossMeter.Loss?)
    throws(SnugError) -> ChoiceState.Measured
  {
    let names = names.isEmpty ? Self.layers(of: made, recipe) : names
    let noises = try meter.layers(
      of: made.side, samples: Self.noiseSamples, measuresReach: knownLoss != nil)
    var rows: [ChoiceState.Layer] = []
    for name in names {
      guard let cost = made.costs[name],
        let bits = made.side.verdicts.first(where: { $0.layer.name == name })?.requiredBits
      else {
        throw .choiceWithoutCost(file: file.path, layer: name, cost: options.minimize.description)
      }
      let found = noises.first { $0.name == name }
      guard let noise = found?.alone ?? found?.inPlace else {
        throw .choiceWithoutNoise(file: file.path, layer: name)
      }
      rows.append(
        ChoiceState.Layer(
          name: name, accumulatorBits: bits, cost: cost, noise: noise.relativeNoise,
          reach: found?.reach))
    }
    let loss: LossMeter.Loss
    if let knownLoss { loss = knownLoss } else { loss = try meter.loss(of: made.side) }
    return ChoiceState.Measured(
      loss: loss, cost: rows.reduce(0) { $0 + $1.cost }, layers: rows)
  }

  /// Measures a conversion with widths for each layer; `nil` where it can't be made.
  private mutating func measured(_ widths: [LayerWidths]) throws(SnugError) -> ChoiceState.Measured?
  {
    let key = widths.map(\.text).joined(separator: " ")
    let found: ChoiceState.Measured?
    if let known = state.known[key] {
      found = known
    } else {
      found = try make(recipe(widths)).map { (made) throws(SnugError) in
        ChoiceState.Measured(
          loss: try meter.loss(of: made.side),
          cost: names.reduce(0) { $0 + (made.costs[$1] ?? 0) })
      }
      try state.add(found, as: key)
    }
    advance("each layer its own")
    return found
  }

  private mutating func advance(_ widths: String) {
    done += 1
    progress(
      JobProgress(
        activity: "choosing widths, \(widths)", completed: done, total: max(done, expected),
        unit: "conversions"))
  }

  /// A conversion in memory, with what it costs.
  private struct Made {
    let side: ComparisonJob.Side
    let conversion: Conversion
    /// By the names of layers.
    let costs: [String: Double]
  }

  /// - Returns: `nil` where a layer can't be made that narrow.
  private func make(_ recipe: Recipe) throws(SnugError) -> Made? {
    var options = options.conversion
    options.recipe = recipe
    options.format = .qonnx
    let finished: ModelFile.Finished
    do throws(SnugError) {
      let conversion = try file.wrapping(try series.convert(recipe, measuresOutputs: false))
      finished = try file.finish(conversion, options, output: file.path)
      try file.require(finished.verdicts, finished.held)
    } catch {
      // What can't be made at the widest isn't for want of bits.
      guard error.isOfWidths, !names.isEmpty else { throw error }
      return nil
    }
    let graph = try file.inSinglePrecision(finished.conversion.model.graph)
    let report = InspectionReport(
      model: ModelSummary(finished.conversion.model, path: file.path), result: finished.verdicts,
      outputCounts: ModelFile.outputCounts(in: finished.conversion.model))
    var costs: [String: Double] = [:]
    for (verdict, layer) in zip(report.result.layers, report.cost.layers) {
      costs[verdict.layer.name] = self.options.minimize.cost(of: verdict, layer)
    }
    return Made(
      side: ComparisonJob.Side(file, graph, finished.verdicts.layers),
      conversion: finished.conversion, costs: costs)
  }

  /// The layers whose widths are the recipe's own, and neither the first ones', the last ones', nor an override's.
  private static func layers(of made: Made, _ recipe: Recipe) -> [String] {
    made.conversion.layers.filter { layer in
      let override = recipe.override(for: layer.name)
      return layer.accumulatorBits == recipe.accumulatorBits
        && made.conversion.exemptions[layer.name] == nil && override.weightBits == nil
        && override.activationBits == nil && override.accumulatorBits == nil
    }.map(\.name)
  }

  private func recipe(_ widths: [LayerWidths]) -> Recipe {
    var recipe = options.conversion.recipe
    recipe.layers += zip(names, widths).map { name, widths in
      Recipe.LayerOverride(match: name) {
        ($0.weightBits, $0.activationBits, $0.accumulatorBits) = (
          widths.weightBits, widths.activationBits, widths.accumulatorBits
        )
      }
    }
    return recipe
  }
}
