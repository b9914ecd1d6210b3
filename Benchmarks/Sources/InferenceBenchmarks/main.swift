import BenchmarkSupport
import Execution
import Glibc
import GraphIR
import OnnxFormat
import Operators
import TensorCore

// A forward pass of each model at a batch size, on random inputs: InferenceBenchmarks BATCH MODEL...

/// Random inputs with the batch in place of the first dimension where that is dynamic.
func inputs(_ graph: Graph, batch: Int) -> [ValueID: Tensor] {
  var inputs: [ValueID: Tensor] = [:]
  for input in graph.inputs {
    let dimensions = graph[input].type?.dimensions ?? []
    let shape = dimensions.enumerated().map { axis, dimension in
      dimension.size ?? (axis == 0 ? batch : 48)
    }
    inputs[input] = Tensor(
      (0..<shape.reduce(1, *)).map { _ in Float.random(in: -1...1) }, shape: shape)
  }
  return inputs
}

let arguments = CommandLine.arguments.dropFirst()
guard let batch = arguments.first.flatMap({ Int($0) }), arguments.count > 1 else {
  print("usage: InferenceBenchmarks BATCH MODEL...")
  exit(64)
}
var measurements: [Measurement] = []
do {
  for path in arguments.dropFirst() {
    let graph = try OnnxReader.read(path: path, resolver: Catalogue()).graph
    let session = try Session(graph: graph)
    let feed = inputs(graph, batch: batch)
    var failure: ExecutionError?
    let measurement = Measurement(
      String(path.split(separator: "/").last ?? ""), units: batch, runs: 15
    ) {
      do throws(ExecutionError) { _ = try session.run(feed, fetch: graph.outputs) } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    measurements.append(measurement)
  }
} catch {
  print("error: \(error)")
  exit(2)
}
printTable(measurements)
