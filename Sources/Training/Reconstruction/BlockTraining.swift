import Execution
import GraphIR
import Quantization
import TensorCore

/// Trains the parameters of one block toward given outputs, with Adam and a learning rate for each tensor.
///
/// Rates follow from the size of what they move, so that one setting serves any network: weights move in units of
/// their quantizers' steps, logarithms in octaves, summands in units of the block's output, factors in units of
/// themselves.
final class BlockTraining {
  private let settings: BlockReconstruction.Settings
  private let store: ParameterStore
  private let session: TrainingSession
  private let graph: Graph
  private var updates: [Update] = []

  /// How one tensor is updated.
  private struct Update {
    var optimizer: Optimizer
    var range: Range<Int>
    var rate: Double
  }

  /// - Parameters:
  ///   - graph: the block's graph, whose constants are the parameters that stay as they are.
  ///   - parameters: the parameters to train, with their initial values, and the running statistics.
  ///   - steps: the quantization step of each weight.
  ///   - outputSize: the root mean square of the block's output.
  init(
    _ graph: Graph, _ parameters: [TrainableParameter], steps: [ValueID: Double],
    outputSize: Double, settings: BlockReconstruction.Settings
  ) throws(TrainingError) {
    self.graph = graph
    self.settings = settings
    store = ParameterStore(parameters)
    let (memory, segments) = (store.memory, store.segments)
    session = try TrainingError.wrapping(
      TrainingError.execution,
      try TrainingSession(
        graph: graph, parameters: memory,
        options: KernelOptions(freezesNormalization: true, isReproducible: true)))
    for (parameter, segment) in zip(parameters.filter(\.kind.hasGradient), segments) {
      let size: Double =
        switch parameter.kind {
        case .weight: steps[parameter.value] ?? parameter.initial.rootMeanSquare
        case .log2Scale, .log2Norm, .log2Statistic: settings.octaves
        case .bias: outputSize * settings.factors
        case .normalization, .statistic:
          max(parameter.initial.rootMeanSquare, 1e-3) * settings.factors
        }
      var own = segment
      own.range = 0..<segment.range.count
      updates.append(
        Update(
          optimizer: try TrainingError.wrapping(
            TrainingError.optimizer, try Optimizer(OptimizerSettings(.adam), segments: [own])),
          range: segment.range, rate: settings.learningRate * size))
    }
  }

  /// The current value of a parameter.
  func tensor(_ value: ValueID) -> Tensor { store.tensor(value) }

  /// Takes the steps of the settings over batches of the samples, and leaves the parameters that have the least error
  /// among those compared: the first, and those after each tenth of the steps.
  ///
  /// - Parameters:
  ///   - compared: the samples on which to compare.
  ///   - error: the error of the initial parameters on the compared samples.
  /// - Returns: the least error.
  func run(
    _ inputs: [ValueID: Tensor], targets: Tensor, compared: Range<Int>, error first: Double,
    samples: Range<Int>, stream: Int
  ) throws(TrainingError) -> Double {
    var best = (error: first, parameters: Array(store.trained))
    var generator = SplitMix64(seed: UInt64(bitPattern: Int64(settings.seed)), stream: stream)
    var order: [Int] = []
    for step in 0..<settings.steps {
      if order.count < settings.batchSize { order = samples.shuffled(using: &generator) }
      let batch = Array(order.suffix(settings.batchSize))
      order.removeLast(batch.count)
      guard try take(step, batch, inputs, targets) else { break }
      let isCompared = (step + 1) % max(settings.steps / Self.comparisons, 1) == 0
      if isCompared || step + 1 == settings.steps {
        let error = try error(inputs, targets: targets, samples: compared)
        if error < best.error { best = (error, Array(store.trained)) }
      }
    }
    _ = store.trained.update(fromContentsOf: best.parameters)
    return best.error
  }

  /// The number of times that parameters are compared.
  private static let comparisons = 10

  /// Takes one step.
  ///
  /// - Returns: false where a loss or gradient is not finite or parameters can't be quantized, so that they are of no
  ///   further use.
  private func take(
    _ step: Int, _ batch: [Int], _ inputs: [ValueID: Tensor], _ targets: Tensor
  ) throws(TrainingError) -> Bool {
    // Aligned here, so that the memory that the forward pass reads in place is still there for the backward pass.
    let feeds = inputs.compactMapValues { $0.gathered(batch)?.aligned }
    guard let wanted = targets.gathered(batch) else { return false }
    do throws(TrainingError) {
      let plan = try forward(feeds)
      let loss = try loss(plan, wanted, wantsGradient: true)
      guard loss.isFinite else { return false }
      do throws(ExecutionError) { try plan.backward() } catch { throw .execution(error) }
      withExtendedLifetime(feeds) {}
    } catch {
      // The previous update left parameters that can't be quantized.
      if case .execution(.quantizer) = error { return false }
      throw error
    }
    guard store.gradients.allSatisfy(\.isFinite) else { return false }
    let factor = LearningRateSchedule.cosine(floor: 0).factor(
      step: step, stepsPerEpoch: settings.steps, totalEpochs: 1, warmUp: .none)
    for update in updates {
      update.optimizer.step(
        parameters: UnsafeMutableBufferPointer(rebasing: store.trained[update.range]),
        gradients: UnsafeBufferPointer(rebasing: store.gradients[update.range]),
        learningRate: update.rate * factor)
    }
    return true
  }

  /// The mean squared error over the samples; infinite where the parameters can't be quantized.
  func error(_ inputs: [ValueID: Tensor], targets: Tensor, samples: Range<Int>)
    throws(TrainingError) -> Double
  {
    var total = 0.0
    var batches = 0.0
    for start in stride(from: samples.lowerBound, to: samples.upperBound, by: settings.batchSize) {
      let range = start..<min(start + settings.batchSize, samples.upperBound)
      let feeds = inputs.compactMapValues { $0.slice(range) }
      do {
        guard let wanted = targets.slice(range) else { continue }
        total += try loss(try forward(feeds), wanted, wantsGradient: false)
      } catch {
        if case .execution(.quantizer) = error { return .infinity }
        throw error
      }
      batches += 1
    }
    return total / max(batches, 1)
  }

  /// The block's outputs for all samples.
  func outputs(_ inputs: [ValueID: Tensor], count: Int) throws(TrainingError) -> Tensor? {
    var parts: [Tensor] = []
    for start in stride(from: 0, to: count, by: settings.batchSize) {
      let range = start..<min(start + settings.batchSize, count)
      let output = try forward(inputs.compactMapValues { $0.slice(range) }).output
      parts.append(
        Tensor(
          Array(UnsafeBufferPointer(start: output.values, count: output.count)),
          shape: output.shape))
    }
    return Tensor.concatenate(parts)
  }

  private func forward(_ feeds: [ValueID: Tensor]) throws(TrainingError) -> TrainingPlan {
    try TrainingError.wrapping(TrainingError.execution) { () throws(ExecutionError) in
      let feeds = feeds.mapValues(\.aligned)
      let plan = try session.plan(
        for: feeds.mapValues { ConcreteType($0.elementType, $0.shape) })
      try plan.forward(feeds)
      return plan
    }
  }

  private func loss(_ plan: TrainingPlan, _ targets: Tensor, wantsGradient: Bool)
    throws(TrainingError) -> Double
  {
    let output = plan.output
    let gradient = UnsafeMutableBufferPointer(start: output.gradient, count: output.count)
    return try TrainingError.wrapping(
      TrainingError.loss,
      try targets.withElements(of: Float.self) { (targets) throws(LossError) in
        try SquaredErrorLoss().mean(
          UnsafeBufferPointer(start: output.values, count: output.count), targets: targets,
          gradient: wantsGradient ? gradient : nil)
      })
  }
}

extension Tensor {
  /// The root of the mean square of float elements.
  var rootMeanSquare: Double {
    withElements(of: Float.self) { elements in
      let sum = elements.reduce(0.0) { $0 + Double($1) * Double($1) }
      return elements.isEmpty ? 0 : (sum / Double(elements.count)).squareRoot()
    }
  }

  /// The entries along dimension 0, in the order of `indices`; `nil` where one is out of range.
  fileprivate func gathered(_ indices: [Int]) -> Tensor? {
    let parts = indices.compactMap { slice($0..<$0 + 1) }
    return parts.count == indices.count ? Tensor.concatenate(parts) : nil
  }
}
