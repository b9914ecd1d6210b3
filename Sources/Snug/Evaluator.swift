import Datasets
import Execution
import GraphIR
import Operators
import Quantization
import TensorCore
import Training

/// Measures one graph on data.
struct Evaluator {
  let file: String
  let graph: Graph
  let options: EvaluationOptions

  func evaluate(_ path: String, progress: ProgressHandler) throws(SnugError) -> Evaluation {
    let start = ContinuousClock.now
    var result = try evaluate(try open(path), progress: progress)
    result.seconds = (ContinuousClock.now - start).inSeconds
    return result
  }

  /// Data with something to compare the graph's outputs with.
  func open(_ path: String) throws(SnugError) -> any Dataset {
    let request = try request()
    return try SnugError.wrapping(SnugError.dataset) { () throws(DatasetError) in
      let dataset = try DatasetLoader.open(path: path, for: request)
      try dataset.require(reference(of: dataset, task: request.task))
      return dataset
    }
  }

  private func request() throws(SnugError) -> DatasetRequest {
    var request = try options.preprocessing.request(for: graph, of: file, comparesOutputs: true)
    request.limit = options.limit
    return request
  }

  /// - Parameter dataset: as ``open(_:)`` gives it.
  func evaluate(_ dataset: any Dataset, progress: ProgressHandler) throws(SnugError) -> Evaluation {
    let start = ContinuousClock.now
    guard let output = graph.outputs.first else { throw .noOutput(file: file) }
    var score: Score?
    let batchSize = options.batchSize ?? CacheSizedBatch.count(for: graph)
    if fixedBatch == nil, dataset.isStackable, dataset.count > 1, batchSize > 1 {
      score = try self.score(
        dataset, output, batchSize: batchSize, provesBatch: true, progress)
    }
    if score == nil {
      score = try self.score(
        dataset, output, batchSize: fixedBatch ?? 1, provesBatch: false, progress)
    }
    guard let score else { throw .noOutput(file: file) }
    return score.evaluation(seconds: (ContinuousClock.now - start).inSeconds)
  }

  /// The score of all samples in batches of a size.
  ///
  /// - Parameter provesBatch: whether the first batch is held against its samples alone.
  /// - Returns: `nil` where that batch isn't what its samples are alone: one that is open by name alone, or that
  ///   attends across its samples.
  private func score(
    _ dataset: any Dataset, _ output: ValueID, batchSize: Int, provesBatch: Bool,
    _ progress: ProgressHandler
  ) throws(SnugError) -> Score? {
    var score = Score(dataset.reference, task: try request().task)
    score.isProbability = graph.producer(of: output)?.op.givesProbabilities ?? false
    var runner = BatchRunner(
      graph: graph, output: output, session: try wrapping(try Session(graph: graph)),
      integers: options.usesIntegers ? IntegerSession(graph: graph) : nil)
    let plan = BatchStream.sequentialPlan(
      dataset, batchSize: batchSize, limit: options.limit ?? .max)
    let total = plan.reduce(0) { $0 + $1.count }
    // The first two samples of the first batch that has more than one, each alone.
    var alone: [[Tensor]]?
    if provesBatch, let first = plan.first(where: { $0.count > 1 }) {
      alone = try SnugError.wrapping(
        SnugError.dataset,
        [try dataset.batch([first[0]]).inputs, try dataset.batch([first[1]]).inputs])
    }
    let stream = BatchStream(dataset, plan: plan)
    var done = 0
    while let batch = try SnugError.wrapping(SnugError.dataset, try stream.next()) {
      if Interruption.ofTask?.isRequested == true { throw .interrupted }
      let inputs =
        dataset.isStackable ? batch.inputs.map { $0.padded(to: fixedBatch) } : batch.inputs
      let result: Tensor?
      if let samples = alone, batch.count > 1 {
        result = runner.batch(inputs, ifSamplesAgree: samples)
        if result == nil { return nil }
        alone = nil
      } else {
        result = try wrapping(try runner.run(inputs))
      }
      if let result {
        try SnugError.wrapping(
          SnugError.dataset,
          try score.add(dataset.isStackable ? result.firstSamples(batch.count) : result, batch))
      }
      done += batch.count
      progress(JobProgress(activity: "evaluating", completed: done, total: total, unit: "samples"))
    }
    return score
  }

  /// What the data must offer to be compared with.
  private func reference(of dataset: any Dataset, task: DatasetTask?) -> DatasetReference {
    switch task {
    case .classification: .labels
    case .regression, .superResolution: .targets
    case nil: dataset.reference == .targets ? .targets : .labels
    }
  }

  /// The batch that the graph was exported for; `nil` where it is open.
  private var fixedBatch: Int? {
    graph.inputs.compactMap { graph[$0].type?.dimensions?.first?.size }.max()
  }

  private func wrapping<T>(_ value: @autoclosure () throws(ExecutionError) -> T)
    throws(SnugError) -> T
  {
    try SnugError.wrapping({ .execution(file: file, $0) }, try value())
  }
}

extension Tensor {
  /// The tensor with its last sample repeated up to `count` samples.
  fileprivate func padded(to count: Int?) -> Tensor {
    guard let count, let own = shape.first, own > 0, own < count else { return self }
    let size = storage.bytes.count / own
    let padded = TensorStorage(byteCount: size * count) { bytes in
      for sample in 0..<count {
        let from = min(sample, own - 1) * size
        UnsafeMutableRawBufferPointer(rebasing: bytes[sample * size..<(sample + 1) * size])
          .copyMemory(from: UnsafeRawBufferPointer(rebasing: storage.bytes[from..<from + size]))
      }
    }
    return Tensor(elementType: elementType, shape: [count] + shape.dropFirst(), storage: padded)
      ?? self
  }

  /// The first samples, without those that padding added.
  fileprivate func firstSamples(_ count: Int) -> Tensor {
    guard let own = shape.first, own > count else { return self }
    return slice(0..<count) ?? self
  }
}
