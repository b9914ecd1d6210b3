import Datasets
import Execution
import Foundation
import GraphIR
import Quantization
import TensorCore
import TestSupport
import Testing

@testable import Training

@Suite struct TrainerTests {
  @Test(arguments: [(OptimizerKind.sgd, 0.03), (.adam, 0.01), (.adamw, 0.01)])
  func `a learnable problem is learned`(optimizer: OptimizerKind, rate: Double) throws {
    var toy = try ToyTraining()
    toy.settings.epochs = 25
    toy.settings.optimizer = OptimizerSettings(optimizer)
    toy.settings.learningRate = rate
    let outcome = try toy.run()
    let rows = try toy.rows()[0]
    let (first, last) = (try #require(rows.first).loss, try #require(rows.last).loss)
    #expect(last < 0.5 * first, "\(first) to \(last)")
    #expect(outcome.summary.steps == 100 && outcome.summary.epochs == 25)
    #expect(try ToyTraining.accuracy(outcome.conversion.model.graph, ToyData()) > 0.8)
  }

  @Test func `targets are learned by their squared error`() throws {
    var toy = try ToyTraining()
    toy.data = ToyData(reference: .targets)
    toy.settings.epochs = 25
    _ = try toy.run()
    let losses = try toy.rows()[0].map(\.loss)
    #expect(losses[losses.count - 1] < 0.5 * losses[0], "\(losses)")
  }

  @Test func `without labels the float model is imitated, and comes nearer`() throws {
    var toy = try ToyTraining()
    toy.data = ToyData(reference: .none)
    toy.settings.epochs = 15
    let outcome = try toy.run()
    #expect(toy.settings.loss == nil)
    let losses = try toy.rows()[0].map(\.loss)
    #expect(losses[losses.count - 1] < 0.5 * losses[0], "\(losses)")
    #expect(outcome.conversion.layers.count == 3)
  }

  @Test func `numbers are imitated as they are, scores as a distribution`() throws {
    func train(_ areScores: Bool) throws -> (loss: Double, graph: Graph) {
      var toy = try ToyTraining()
      toy.data = ToyData(reference: .none)
      toy.settings.outputsAreScores = areScores
      toy.settings.batchSize = 64
      toy.settings.epochs = 1
      toy.settings.learningRate = 1e-20
      toy.settings.computation.freezesNormalization = true
      let graph = try toy.run().conversion.model.graph
      return (try #require(try toy.rows()[0].last).loss, graph)
    }
    let x = try ToyData().batch(Array(0..<64)).inputs[0]
    func rows(_ graph: Graph) throws -> [[Double]] {
      let result = try Session(graph: graph).run([graph.inputs[0]: x], fetch: graph.outputs)
      let values = try #require(result[graph.outputs[0]]).elements(of: Float.self).map(Double.init)
      return (0..<64).map { Array(values[$0 * 3..<$0 * 3 + 3]) }
    }
    let teacher = try rows(ToyTraining.float().graph)
    let (numbers, scores) = (try train(false), try train(true))
    let student = try rows(numbers.graph)
    let squares = zip(student.joined(), teacher.joined()).reduce(0) {
      $0 + ($1.0 - $1.1) * ($1.0 - $1.1)
    }
    #expect(abs(numbers.loss - squares / 192) <= 1e-4 * numbers.loss)
    func logSoftmax(_ row: [Double]) -> [Double] {
      let total = log(row.reduce(0) { $0 + exp($1) })
      return row.map { $0 - total }
    }
    let divergence = zip(student, teacher).reduce(0.0) { sum, pair in
      let (s, t) = (logSoftmax(pair.0), logSoftmax(pair.1))
      return sum + zip(s, t).reduce(0) { $0 + exp($1.1) * ($1.1 - $1.0) }
    }
    #expect(abs(scores.loss - divergence / 64) <= 1e-4 * scores.loss)
  }

  @Test func `labels are not needed for a loss without them, targets are for theirs`() throws {
    var toy = try ToyTraining()
    toy.settings.loss = .distill
    toy.settings.epochs = 1
    _ = try toy.run()
    for (loss, reference) in [
      (LossKind.crossEntropy, DatasetReference.none), (.mse, .labels), (.crossEntropy, .targets),
    ] {
      toy.data = ToyData(reference: reference)
      toy.settings.loss = loss
      #expect {
        _ = try toy.run()
      } throws: { error in
        guard case TrainingError.noReference(loss, path: "toy") = error else { return false }
        return "\(error)".contains("use --loss distill")
      }
    }
  }

  @Test func `the same seed gives the same bytes, another one others`() throws {
    func run(_ seed: Int) throws -> (constants: [Tensor], rows: [[TrainingRecord]]) {
      var toy = try ToyTraining()
      toy.settings.seed = seed
      let outcome = try toy.run()
      return (outcome.constants, try toy.rows())
    }
    let (first, second, third) = (try run(3), try run(3), try run(4))
    #expect(first.constants == second.constants && first.rows == second.rows)
    #expect(first.constants != third.constants)
  }

  @Test func `augmentation reaches the samples`() throws {
    func rows(_ augmentation: Augmentation) throws -> [TrainingRecord] {
      var toy = try ToyTraining()
      toy.settings.augmentation = augmentation
      _ = try toy.run()
      return try toy.rows()[0]
    }
    #expect(try rows(.none) != rows(Augmentation(flipsHorizontally: true)))
  }

  @Test func `an augmentation that the data can't have is refused before the log is touched`()
    throws
  {
    var toy = try ToyTraining()
    _ = try toy.folder.write(Array("kept\n".utf8), to: "log.csv")
    toy.settings.augmentation = Augmentation(patch: 4)
    #expect {
      _ = try toy.run()
    } throws: { error in
      guard case TrainingError.dataset(.augmentation) = error else { return false }
      return true
    }
    #expect(try String(contentsOfFile: toy.csv, encoding: .utf8) == "kept\n")
  }

  @Test func `a rate without measure ends with step, epoch and parameter, and advice`() throws {
    for rate in [Double.nan, 1e30] {
      var toy = try ToyTraining()
      toy.settings.optimizer = OptimizerSettings(.sgd)
      toy.settings.schedule = .constant
      toy.settings.learningRate = rate
      #expect {
        _ = try toy.run()
      } throws: { error in
        guard case TrainingError.diverged(let step, 0, _, let parameter?) = error else {
          return false
        }
        return step >= 2 && !parameter.isEmpty
          && "\(error)".hasPrefix("training diverged at step \(step) (epoch 1): ")
          && "\(error)".contains("first in '\(parameter)'; use a lower --learning-rate")
      }
    }
  }

  @Test(arguments: [false, true])
  func `batch statistics move the running ones, frozen ones stay`(isFrozen: Bool) throws {
    var toy = try ToyTraining()
    toy.settings.computation.freezesNormalization = isFrozen
    let graph = try toy.run().conversion.model.graph
    let float = ToyTraining.float().graph
    for name in ["stem_bn.mean", "stem_bn.variance", "middle_bn.mean", "middle_bn.variance"] {
      let after = try #require(graph.value(named: name))
      let before = try #require(float.value(named: name))
      #expect((graph[after].constant == float[before].constant) == isFrozen, "\(name)")
    }
    let (after, before) = (
      try #require(graph.value(named: "stem_bn.scale")),
      try #require(float.value(named: "stem_bn.scale"))
    )
    #expect(graph[after].constant != float[before].constant)
  }

  @Test func `the best epoch is exported, not the last`() throws {
    var toy = try ToyTraining()
    toy.validates = true
    var count = 0.0
    toy.onValidation = { _ in
      count += 1
      return count == 2 ? 1 : 0
    }
    let best = try toy.run()
    #expect(best.summary.bestMetric == 1 && best.summary.bestEpoch == 2)
    #expect(try toy.rows()[0].compactMap(\.validation) == [0, 1, 0])

    // The rates of a constant schedule don't depend on how many epochs will come.
    func constants(epochs: Int, bestOf epoch: Int) throws -> [Tensor] {
      var toy = try ToyTraining()
      toy.validates = true
      toy.settings.epochs = epochs
      toy.settings.schedule = .constant
      var count = 0
      toy.onValidation = { _ in
        count += 1
        return count == epoch ? 1 : 0
      }
      return try toy.run().constants
    }
    let two = try constants(epochs: 2, bestOf: 2)
    #expect(try constants(epochs: 3, bestOf: 2) == two)
    #expect(try constants(epochs: 3, bestOf: 3) != two)
  }

  @Test func `training ends early once the metric has stopped to improve`() throws {
    var toy = try ToyTraining()
    toy.validates = true
    toy.settings.epochs = 10
    toy.settings.patience = 1
    toy.onValidation = { _ in 0.5 }
    let outcome = try toy.run()
    #expect(outcome.summary.epochs == 3 && outcome.summary.steps == 12)
    #expect(outcome.summary.bestEpoch == 1)
  }

  @Test func `the average of the weights is exported where one is kept`() throws {
    func constants(_ decay: Double?) throws -> [Tensor] {
      var toy = try ToyTraining()
      toy.settings.weightAverage = decay
      return try toy.run().constants
    }
    let plain = try constants(nil)
    #expect(try constants(0.9) != plain)
    // An average that keeps nothing is the last value.
    #expect(try constants(0) == plain)
  }

  @Test func `curves, logs and progress tell of every epoch`() throws {
    var toy = try ToyTraining()
    toy.validates = true
    var steps: [Int] = []
    var totals: Set<Int> = []
    let interruption = Interruption()
    _ = try toy.trainer(interruption).run {
      steps.append($0.step)
      totals.insert($0.totalSteps)
      #expect($0.epoch == ($0.step - 1) / 4 && $0.epochs == 3)
    }
    #expect(steps == Array(1...12) && totals == [12])
    let rows = try toy.rows()
    #expect(rows[0].map(\.step) == [3, 4, 6, 8, 9, 12])
    #expect(rows[0] == rows[1])
    #expect(rows[0].filter { $0.validation != nil }.map(\.epoch) == [1, 2, 3])
    let plot = try String(contentsOfFile: toy.folder.path("plot.svg"), encoding: .utf8)
    #expect(plot.hasPrefix("<svg") && plot.contains("accuracy"))
  }
}
