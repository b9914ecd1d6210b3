import Execution
import GraphIR
import Quantization
import TensorCore

/// Trains a quantized model block by block toward the outputs of the float model's blocks, without labels (after
/// BRECQ, Li et al. 2021, arXiv 2102.05426).
///
/// Each block reads what the trained blocks before it make of the samples, and is trained toward what the float model
/// gives at its output, under its layers' budgets throughout. Weights, scales, norms, clipping ranges, biases and
/// factors of normalizations are trained; a parameter that an earlier block uses stays as that block left it. A block
/// keeps those parameters of its training that have the least error on samples that it was not trained on, and the
/// network keeps what its blocks found only if its own error on these samples falls: where few integers fit the
/// budgets, a block can improve by its own measure while the network does not.
package struct BlockReconstruction {
  package struct Settings: Sendable, Hashable {
    /// The number of optimizer steps for each block.
    package var steps = 300
    /// The number of samples in a step.
    package var batchSize = 32
    /// The learning rate of the first step, in the units of each tensor (see ``BlockTraining``).
    package var learningRate = 0.005
    /// The unit of the logarithms of scales, norms and clipping statistics, in octaves.
    var octaves = 0.1
    /// The unit of factors relative to their size, and of summands relative to the size of the block's output.
    var factors = 0.05
    /// The seed of the batches.
    package var seed = 0

    package init() {}
  }

  /// The result for one block, or for the whole network.
  package struct Outcome: Sendable, Hashable {
    /// The name of the value that ends the block.
    package var output: String
    /// The mean squared error on held-out samples before training, relative to the mean square of the output.
    package var before: Double
    /// The mean squared error on held-out samples after training, relative to the mean square of the output.
    package var after: Double
  }

  /// The largest number of samples.
  static let sampleLimit = 512
  /// The largest number of elements of one value over all samples.
  static let elementLimit = 1 << 25
  /// The number of batches of which one is held out for comparison and not trained on.
  static let heldOut = 8

  private let model: TrainableModel
  private let settings: Settings
  private let blocks: [ReconstructionBlock]
  private let teacher: Session
  private let inputs: [ValueID: Tensor]
  private let count: Int

  /// - Parameters:
  ///   - model: the model, with the parameters to start from.
  ///   - calibration: unlabelled samples, of which the first ones of equal shape are used.
  /// - Throws: ``TrainingError`` where the samples can't be read or the float model can't be run.
  package init(
    _ model: TrainableModel, calibration: any CalibrationSource, settings: Settings = Settings()
  ) throws(TrainingError) {
    self.model = model
    let graph = model.floatGraph
    teacher = try TrainingError.wrapping(
      TrainingError.execution, try Session(graph: graph, options: .init(isReproducible: true)))
    var found: [ReconstructionBlock]
    do { found = try ReconstructionBlock.all(in: graph) } catch {
      throw .conversion(.graph(error))
    }
    let fixed = graph.inputs.compactMap { graph[$0].type?.dimensions?.first?.size }.max()
    let probe = fixed ?? 1
    let usable = Self.equalShapes(calibration)
    guard usable >= probe else { throw .tooFewSamples(given: usable, batch: probe) }
    let first = try Self.samples(calibration, 0..<probe, of: graph)
    let outputs = try Self.run(teacher, first, fetch: found.map(\.output))
    // A value whose first dimension is not that of the samples can't be cut into batches.
    found = ReconstructionBlock.joined(found) { outputs[$0]?.shape.first == probe }
    blocks = found
    let largest = (Array(outputs.values) + first.values).map { $0.count / probe }.max() ?? 1
    var settings = settings
    settings.batchSize =
      fixed ?? max(1, min(settings.batchSize, usable, Self.batchElements / largest))
    self.settings = settings
    let most = min(usable, Self.sampleLimit, max(1, Self.elementLimit / largest))
    count = max(most / settings.batchSize, 1) * settings.batchSize
    inputs = try Self.samples(calibration, 0..<count, of: graph)
  }

  /// The largest number of elements of one value in a batch.
  private static let batchElements = 1 << 22

  /// Trains all blocks.
  ///
  /// - Parameter progress: called with the number of blocks done and the number of all blocks.
  /// - Returns: the model with the parameters found, and the results for each block that has parameters and for the
  ///   network.
  /// - Throws: ``TrainingError`` where a block can't be trained.
  package func run(progress: (Int, Int) -> Void = { _, _ in }) throws(TrainingError) -> (
    model: TrainableModel, blocks: [Outcome], network: Outcome?
  ) {
    let start = Dictionary(
      uniqueKeysWithValues: model.parameters.map { ($0.value, $0.initial) })
    var current = start
    var done: Set<ValueID> = []
    var outcomes: [Outcome] = []
    var (found, wanted) = (inputs, inputs)
    for (index, block) in blocks.enumerated() {
      let target = try imitated(block, wanted)
      let training = try training(block, current, done, target)
      if let training {
        let (outcome, output) = try train(
          training.training, training.start, block, found, target, index, &current)
        outcomes.append(outcome)
        done.formUnion(training.start.map(\.value))
        guard let output else { break }
        found = [block.output: output]
      } else {
        found = [block.output: target]
      }
      wanted = [block.output: target]
      progress(index + 1, blocks.count)
    }
    guard let last = blocks.last, let target = wanted[last.output] else { return (model, [], nil) }
    let network = outcome(
      last, try error(of: start, target), try error(of: current, target), target)
    return (
      network.after < network.before ? model.starting { current[$0] } : model, outcomes, network
    )
  }

  /// The network's error on held-out samples, from its inputs to the end of its last block.
  private func error(of parameters: [ValueID: Tensor], _ target: Tensor) throws(TrainingError)
    -> Double
  {
    guard let last = blocks.last else { return 0 }
    let whole = ReconstructionBlock(inputs: model.floatGraph.inputs, output: last.output)
    guard let (training, _) = try training(whole, parameters, [], target) else { return 0 }
    return try training.error(inputs, targets: target, samples: compared)
  }

  /// The samples on which errors are compared: those that no block is trained on, where there are enough for both.
  private var compared: Range<Int> {
    let batches = count / settings.batchSize
    return batches >= 2
      ? count - max(batches / Self.heldOut, 1) * settings.batchSize..<count : 0..<count
  }

  /// The training of a block and its parameters; `nil` for a block in which nothing is left to train.
  private func training(
    _ block: ReconstructionBlock, _ current: [ValueID: Tensor], _ done: Set<ValueID>,
    _ target: Tensor
  ) throws(TrainingError) -> (training: BlockTraining, start: [TrainableParameter])? {
    var graph = model.graph.segment(from: block.inputs, to: [block.output])
    var start: [TrainableParameter] = []
    var steps: [ValueID: Double] = [:]
    for var parameter in model.parameters where graph.contains(parameter.value) {
      guard let value = current[parameter.value] else { continue }
      if done.contains(parameter.value) {
        graph.setConstant(parameter.value, value)
      } else {
        parameter.initial = value
        start.append(parameter)
      }
    }
    for layer in model.layers {
      guard let scales = current[layer.log2Scale] else { continue }
      let logarithms = scales.elements(of: Float.self).map(Double.init).sorted()
      if !logarithms.isEmpty { steps[layer.weight] = exp2(logarithms[logarithms.count / 2]) }
    }
    guard start.contains(where: { $0.kind.hasGradient }) else { return nil }
    return (
      try BlockTraining(
        graph, start, steps: steps, outputSize: target.rootMeanSquare, settings: settings), start
    )
  }

  /// Trains a block and keeps the best of its parameters; returns the result and the block's outputs for the samples.
  private func train(
    _ training: BlockTraining, _ start: [TrainableParameter], _ block: ReconstructionBlock,
    _ found: [ValueID: Tensor], _ target: Tensor, _ index: Int,
    _ current: inout [ValueID: Tensor]
  ) throws(TrainingError) -> (Outcome, Tensor?) {
    let compared = compared
    let before = try training.error(found, targets: target, samples: compared)
    let after = try training.run(
      found, targets: target, compared: compared, error: before,
      samples: compared.lowerBound > 0 ? 0..<compared.lowerBound : compared, stream: index)
    for parameter in start { current[parameter.value] = training.tensor(parameter.value) }
    return (
      outcome(block, before, after, target), try training.outputs(found, count: count)
    )
  }

  private func outcome(
    _ block: ReconstructionBlock, _ before: Double, _ after: Double, _ target: Tensor
  ) -> Outcome {
    let power = target.rootMeanSquare * target.rootMeanSquare
    return Outcome(
      output: model.floatGraph[block.output].name, before: power > 0 ? before / power : 0,
      after: power > 0 ? after / power : 0)
  }

  /// The outputs of the float model's block for all samples.
  private func imitated(_ block: ReconstructionBlock, _ inputs: [ValueID: Tensor])
    throws(TrainingError) -> Tensor
  {
    var parts: [Tensor] = []
    for start in stride(from: 0, to: count, by: settings.batchSize) {
      let feeds = inputs.compactMapValues { $0.slice(start..<start + settings.batchSize) }
      let output = try Self.run(teacher, feeds, fetch: [block.output])[block.output]
      if let output = output?.convertedToFloat() { parts.append(output) }
    }
    guard let all = Tensor.concatenate(parts) else {
      throw .execution(.notComputable(name: model.floatGraph[block.output].name))
    }
    return all
  }

  private static func run(_ session: Session, _ feeds: [ValueID: Tensor], fetch: [ValueID])
    throws(TrainingError) -> [ValueID: Tensor]
  {
    try TrainingError.wrapping(TrainingError.execution, try session.run(feeds, fetch: fetch))
  }

  private static func samples(
    _ source: any CalibrationSource, _ range: Range<Int>, of graph: Graph
  ) throws(TrainingError) -> [ValueID: Tensor] {
    do {
      return Dictionary(uniqueKeysWithValues: zip(graph.inputs, try source.inputs(range)))
    } catch { throw .conversion(.calibrationData(error)) }
  }

  /// The number of samples, from the first on, that have the shape of the first.
  private static func equalShapes(_ source: any CalibrationSource) -> Int {
    (1..<max(source.count, 1)).first { source.changesShape(at: $0) } ?? source.count
  }
}
