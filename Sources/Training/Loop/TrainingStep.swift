import Datasets
import Execution
import GraphIR
import Quantization
import Quantizers
import TensorCore

/// One step of training: forward, loss, backward, penalty, clipping, update.
final class TrainingStep {
  /// What a step measured.
  struct Result {
    var loss: Double
    var penalty: Double
    var gradientNorm: Double
  }

  let optimizer: Optimizer
  let average: WeightAverage?
  private let model: TrainableModel
  private let store: ParameterStore
  private let session: TrainingSession
  private let loss: BatchLoss
  private let clipping: GradientClipping
  private let regularization: Float
  private(set) var plan: TrainingPlan?
  var isProfiled = false

  init(
    _ model: TrainableModel, _ store: ParameterStore, _ settings: TrainingSettings,
    dataset: any Dataset
  ) throws(TrainingError) {
    self.model = model
    self.store = store
    loss = try BatchLoss(settings, float: model.floatGraph, dataset: dataset)
    session = try TrainingError.wrapping(
      TrainingError.execution,
      try TrainingSession(
        graph: model.graph, parameters: store.memory, options: settings.computation))
    do {
      optimizer = try Optimizer(settings.optimizer, segments: store.segments)
      clipping = try GradientClipping(maximumNorm: settings.gradientClipping)
      average = try settings.weightAverage.map { (decay) throws(OptimizerError) in
        try WeightAverage(decay: decay, parameters: UnsafeBufferPointer(store.trained))
      }
    } catch { throw .optimizer(error) }
    regularization = Float(settings.regularization)
  }

  /// Runs one step.
  ///
  /// - Parameters:
  ///   - position: identifies the step in failures.
  /// - Throws: ``TrainingError``; ``TrainingError/diverged(step:epoch:loss:parameter:)`` before anything is updated.
  func run(_ batch: Batch, learningRate: Double, at position: TrainingPosition)
    throws(TrainingError) -> Result
  {
    let feeds = Dictionary(
      uniqueKeysWithValues: zip(model.graph.inputs, batch.inputs.map(\.aligned)))
    let plan: TrainingPlan
    do {
      plan = try session.plan(for: feeds.mapValues { ConcreteType($0.elementType, $0.shape) })
      plan.isProfiled = isProfiled
      try plan.forward(feeds)
    } catch {
      // The previous update left parameters that can't be quantized.
      guard case .quantizer(let node, _) = error else { throw .execution(error) }
      let layer = model.layers.first { node == $0.name + TrainableModel.quantizerSuffix }
      throw .diverged(
        step: position.step + 1, epoch: position.epoch, loss: .nan, parameter: layer?.name ?? node)
    }
    self.plan = plan
    let value = try loss.evaluate(plan.output, batch, feeds: feeds)
    try TrainingError.wrapping(TrainingError.execution, try plan.backward())
    // The backward pass reads the fed tensors once more.
    withExtendedLifetime((feeds, batch)) {}
    let penalty = regularization > 0 ? addPenalty() : 0
    let norm: Double
    do {
      norm = try clipping.apply(store.gradients, segments: store.segments)
    } catch {
      guard case .notFinite(let segment, _, _) = error else { throw .loss(.empty) }
      throw .diverged(
        step: position.step + 1, epoch: position.epoch, loss: value, parameter: segment)
    }
    guard value.isFinite else {
      throw .diverged(step: position.step + 1, epoch: position.epoch, loss: value, parameter: nil)
    }
    optimizer.step(
      parameters: store.trained, gradients: UnsafeBufferPointer(store.gradients),
      learningRate: learningRate)
    average?.update(UnsafeBufferPointer(store.trained))
    return Result(loss: value, penalty: penalty, gradientNorm: norm)
  }

  /// The biases inside a layer's accumulators, in quantization steps of its input; empty where there are none.
  private func biases(of layer: TrainableModel.Layer) -> [Float] {
    guard let bias = layer.bias, let c = store.memory[bias.value],
      let p = store.memory[bias.statistic]
    else { return [] }
    return bias.inSteps(
      UnsafeBufferPointer(start: c.values, count: layer.quantizer.layer.channels),
      log2Statistic: p.values[0])
  }

  /// Adds the gradients of each layer's penalty, times the factor of regularization, to the gradients; returns the
  /// sum of the penalties, times that factor.
  private func addPenalty() -> Double {
    var total = 0.0
    for layer in model.layers {
      guard let norm = layer.log2Norm, let t = store.memory[norm],
        let d = store.memory[layer.log2Scale], let v = store.memory[layer.weight]
      else { continue }
      let channels = layer.quantizer.layer.channels
      func gradient(_ memory: ParameterMemory, _ count: Int) -> UnsafeMutableBufferPointer<Float> {
        UnsafeMutableBufferPointer(start: memory.gradient, count: count)
      }
      total += biases(of: layer).withUnsafeBufferPointer { biases in
        layer.quantizer.penalty(
          ParameterView(
            log2Scale: UnsafeBufferPointer(start: d.values, count: channels),
            log2Norm: UnsafeBufferPointer(start: t.values, count: channels), biases: biases),
          factor: regularization,
          addingTo: GradientBuffers(
            weights: gradient(v, layer.quantizer.layer.count), log2Scale: gradient(d, channels),
            log2Norm: gradient(t, channels)))
      }
    }
    return total * Double(regularization)
  }
}
