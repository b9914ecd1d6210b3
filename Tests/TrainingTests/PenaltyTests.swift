import Datasets
import Foundation
import GraphIR
import Operators
import Quantization
import TensorCore
import TestSupport
import Testing

@testable import Training

/// The penalty on norms beyond their bound, as a step adds it.
@Suite struct PenaltyTests {
  /// One step that changes nothing, on parameters whose norms leave their bounds.
  private struct Probe {
    let model: TrainableModel
    let store: ParameterStore
    private let step: TrainingStep
    private let batch: Batch

    init(regularization: Double) throws {
      let toy = try ToyTraining()
      var settings = toy.settings
      settings.regularization = regularization
      model = try toy.trainable()
      store = ParameterStore(model.parameters)
      step = try TrainingStep(model, store, settings, dataset: toy.data)
      batch = try toy.data.batch(Array(0..<16))
      for layer in model.layers {
        guard let norm = layer.log2Norm, let memory = store.memory[norm] else { continue }
        for channel in 0..<memory.shape[0] { memory.values[channel] += 0.5 * Float(channel + 1) }
      }
    }

    func run() throws -> TrainingStep.Result {
      try step.run(batch, learningRate: 0, at: TrainingPosition())
    }

    /// The gradient of a parameter after a step.
    func gradient(_ value: ValueID) throws -> [Float] {
      let memory = try #require(store.memory[value])
      return Array(UnsafeBufferPointer(start: memory.gradient, count: memory.shape.reduce(1, *)))
    }
  }

  @Test func `its slopes are added to the gradients of log2 norm and log2 scale`() throws {
    let lambda = 0.25
    let (with, without) = (try Probe(regularization: lambda), try Probe(regularization: 0))
    let penalty = try with.run().penalty
    #expect(penalty > 0)
    #expect(try without.run().penalty == 0)
    let layer = try #require(with.model.layers.first { $0.log2Norm != nil })
    let norm = try #require(layer.log2Norm)
    for value in [norm, layer.log2Scale] {
      _ = try with.run()
      let added = zip(try with.gradient(value), try without.gradient(value)).map { $0 - $1 }
      #expect(added.contains { $0 != 0 })
      let memory = try #require(with.store.memory[value])
      for channel in 0..<memory.shape[0] {
        let (original, h) = (memory.values[channel], Float(1e-2))
        memory.values[channel] = original + h
        let up = try with.run().penalty
        memory.values[channel] = original - h
        let down = try with.run().penalty
        memory.values[channel] = original
        let slope = (up - down) / Double(2 * h)
        #expect(abs(slope - Double(added[channel])) <= 1e-3 * max(1, abs(slope)), "\(channel)")
      }
    }
    // The weights have no part in it; a run before moves sums around running means in their last bits.
    let fresh = try Probe(regularization: lambda)
    _ = try fresh.run()
    #expect(try fresh.gradient(layer.weight) == without.gradient(layer.weight))
  }

  @Test func `it draws norms back into their bound`() throws {
    func excess(_ regularization: Double) throws -> Double {
      var toy = try ToyTraining()
      toy.settings.regularization = regularization
      toy.settings.epochs = 10
      _ = try toy.run()
      let last = try #require(try toy.rows()[0].last)
      return regularization > 0 ? last.penalty / regularization : last.penalty
    }
    #expect(try excess(0) == 0)
    let free = try excess(1e-6)
    #expect(free > 0)
    #expect(try excess(1) < 0.5 * free)
  }
}
