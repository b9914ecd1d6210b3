import Datasets
import Execution
import GraphIR
import Operators
import Quantization
import TensorCore

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
    var score = Score(dataset.reference, task: try request().task)
    score.isProbability = graph.producer(of: output)?.op.givesProbabilities ?? false
    let session = try wrapping(try Session(graph: graph))
    // Tried once: a graph that integers can't run is run as floats from the first batch on.
    var integers = options.usesIntegers ? IntegerSession(graph: graph) : nil
    let plan = BatchStream.sequentialPlan(
      dataset, batchSize: fixedBatch ?? openBatch(dataset), limit: options.limit ?? .max)
    let total = plan.reduce(0) { $0 + $1.count }
    let stream = BatchStream(dataset, plan: plan)
    var done = 0
    while let batch = try SnugError.wrapping(
      SnugError.dataset, try stream.next())
    {
      let feeds = Dictionary(
        uniqueKeysWithValues: zip(
          graph.inputs,
          dataset.isStackable ? batch.inputs.map { $0.padded(to: fixedBatch) } : batch.inputs))
      var result = try? integers?.run(feeds)
      if result == nil {
        integers = nil
        result = try wrapping(try session.run(feeds, fetch: [output])[output])
      }
      if let result {
        try SnugError.wrapping(
          SnugError.dataset,
          try score.add(dataset.isStackable ? result.firstSamples(batch.count) : result, batch))
      }
      done += batch.count
      progress(JobProgress(activity: "evaluating", completed: done, total: total, unit: "samples"))
    }
    return score.evaluation(seconds: (ContinuousClock.now - start).inSeconds)
  }

  /// What the data must offer to be compared with.
  private func reference(of dataset: any Dataset, task: DatasetTask?) -> DatasetReference {
    switch task {
    case .classification: .labels
    case .regression, .superResolution: .targets
    case nil: dataset.reference == .targets ? .targets : .labels
    }
  }

  /// The samples to compute at once where the batch is open: one where two together give something else.
  private func openBatch(_ dataset: any Dataset) -> Int {
    guard dataset.isStackable, dataset.count > 1, options.batchSize > 1 else { return 1 }
    if dataset.sampleShape(at: 0) != dataset.sampleShape(at: 1) { return options.batchSize }
    let isIndependent = BatchIndependence.holds(graph) { try dataset.batch(Array($0)).inputs }
    return isIndependent ? options.batchSize : 1
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
