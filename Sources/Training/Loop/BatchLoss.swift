import Datasets
import Execution
import GraphIR
import Operators
import TensorCore

/// The loss of a batch, computed from a plan's output, and its gradient by that output.
struct BatchLoss {
  /// What the outputs are compared with.
  private enum Measure {
    case crossEntropy(CrossEntropyLoss)
    case squaredError
    case distillation(DistillationLoss)
    case imitation
  }

  let kind: LossKind
  private let measure: Measure
  private let path: String
  private let teacher: Teacher?

  /// - Parameters:
  ///   - float: the model before quantization, whose outputs distillation imitates.
  ///   - dataset: determines what there is to compare with.
  /// - Throws: ``TrainingError`` where the data lacks what the loss needs, or the float model can't be run.
  init(_ settings: TrainingSettings, float: Graph, dataset: any Dataset) throws(TrainingError) {
    path = dataset.path
    let kind: LossKind =
      settings.loss
      ?? (dataset.reference == .labels
        ? .crossEntropy : dataset.reference == .targets ? .mse : .distill)
    self.kind = kind
    let output = float.outputs.first
    let endsInSoftmax = output.flatMap { float.producer(of: $0)?.op.givesProbabilities } ?? false
    let scores: ScoreKind = endsInSoftmax ? .probabilities : .logits
    switch kind {
    case .crossEntropy:
      guard dataset.reference == .labels else { throw .noReference(kind, path: dataset.path) }
      measure = .crossEntropy(
        try TrainingError.wrapping(
          TrainingError.loss, try CrossEntropyLoss(scores, labelSmoothing: settings.labelSmoothing))
      )
    case .mse:
      guard dataset.reference == .targets else { throw .noReference(kind, path: dataset.path) }
      measure = .squaredError
    case .distill:
      // Rows of scores are imitated as distributions; images and numbers by their values.
      let rank = output.flatMap { float[$0].type?.rank } ?? 0
      let areScores =
        settings.outputsAreScores ?? (endsInSoftmax || rank == 2 && dataset.reference != .targets)
      measure =
        areScores
        ? .distillation(
          try TrainingError.wrapping(
            TrainingError.loss, try DistillationLoss(scores, temperature: settings.temperature)))
        : .imitation
    }
    teacher =
      kind == .distill
      ? try TrainingError.wrapping(TrainingError.execution, try Teacher(float)) : nil
  }

  /// - Parameters:
  ///   - output: holds the values, and receives the gradient.
  ///   - feeds: the inputs of the batch, which the teacher sees too.
  /// - Returns: the mean loss; NaN where an output is NaN.
  /// - Throws: ``TrainingError`` where the teacher can't be run, or the data doesn't fit the output.
  func evaluate(
    _ output: TrainingPlan.Output, _ batch: Batch, feeds: [ValueID: Tensor]
  ) throws(TrainingError) -> Double {
    let values = UnsafeBufferPointer(start: output.values, count: output.count)
    let gradient = UnsafeMutableBufferPointer(start: output.gradient, count: output.count)
    let answer = try teacher.map { (teacher) throws(TrainingError) in
      try TrainingError.wrapping(TrainingError.execution, try teacher.answer(feeds))
    }
    return try TrainingError.wrapping(TrainingError.loss) { () throws(LossError) in
      switch measure {
      case .crossEntropy(let loss):
        return try loss.mean(values, labels: batch.labels ?? [], gradient: gradient)
      case .squaredError:
        guard let targets = batch.targets else { throw .empty }
        return try targets.withElements(of: Float.self) { (targets) throws(LossError) in
          try SquaredErrorLoss().mean(values, targets: targets, gradient: gradient)
        }
      case .distillation(let loss):
        guard let answer else { throw .empty }
        return try answer.withElements(of: Float.self) { (answer) throws(LossError) in
          try loss.mean(values, teacher: answer, rows: batch.count, gradient: gradient)
        }
      case .imitation:
        guard let answer else { throw .empty }
        return try answer.withElements(of: Float.self) { (answer) throws(LossError) in
          try SquaredErrorLoss().mean(values, targets: answer, gradient: gradient)
        }
      }
    }
  }
}

/// The float model, run on the student's inputs.
private final class Teacher {
  private let session: Session
  private let output: ValueID

  init(_ graph: Graph) throws(ExecutionError) {
    guard let output = graph.outputs.first else { throw .notComputable(name: "(no output)") }
    self.output = output
    session = try Session(graph: graph)
  }

  func answer(_ feeds: [ValueID: Tensor]) throws(ExecutionError) -> Tensor {
    guard let answer = try session.run(feeds, fetch: [output])[output]?.convertedToFloat() else {
      throw .notComputable(name: session.graph[output].name)
    }
    return answer
  }
}
