import Execution
import GraphIR
import Operators
import Quantization
import TensorCore

/// Computes a graph's first output, on integers where the graph allows it.
struct BatchRunner {
  let graph: Graph
  let output: ValueID
  let session: Session
  /// Tried once: a graph that integers can't run is run as floats from then on.
  var integers: IntegerSession?

  /// - Parameter inputs: one for each of the graph's inputs.
  mutating func run(_ inputs: [Tensor]) throws(ExecutionError) -> Tensor? {
    let feeds = Dictionary(uniqueKeysWithValues: zip(graph.inputs, inputs))
    if let result = try? integers?.run(feeds) { return result }
    integers = nil
    return try session.run(feeds, fetch: [output])[output]
  }

  /// The output for a batch, if its first samples give the same alone.
  ///
  /// Any failure gives `nil`: the caller then runs sample by sample, and meets the error there.
  ///
  /// - Parameter samples: the inputs of the first samples of the batch, each alone.
  mutating func batch(_ inputs: [Tensor], ifSamplesAgree samples: [[Tensor]]) -> Tensor? {
    guard let together = try? run(inputs) else { return nil }
    for (index, sample) in samples.enumerated() {
      guard let alone = try? run(sample), let part = together.slice(index..<index + 1),
        BatchIndependence.agree(part, alone)
      else { return nil }
    }
    // Which branch is taken, or how long something is, could be another sample's choice.
    return session.dependsOnData ? nil : together
  }
}
