import Datasets
import TensorCore

// DataBenchmarks PATH [CHANNELS HEIGHT WIDTH] [SCALE]: time to open the data and to read it twice.
let arguments = Array(CommandLine.arguments.dropFirst())
guard let path = arguments.first else {
  print("usage: DataBenchmarks PATH [CHANNELS HEIGHT WIDTH] [SCALE]; 0 for any height or width")
  throw CancellationError()
}
let numbers = arguments.dropFirst().compactMap { Int($0) }
let shape = numbers.count >= 3 ? Array(numbers[..<3]) : [3, 32, 32]
let scale = numbers.count == 4 ? numbers[3] : nil
let dimensions = [.symbolic("N")] + shape.map { $0 == 0 ? .unknown : Dimension.fixed($0) }
let request = DatasetRequest(
  inputs: [.init(name: "input", type: TensorType(.float32, dimensions))],
  task: scale.map { .superResolution(scale: $0) })

let clock = ContinuousClock()
var started = clock.now
let dataset = try DatasetLoader.open(path: path, for: request)
print("\(dataset.count) samples opened in \(clock.now - started)")
for pass in ["first", "second"] {
  started = clock.now
  let stream = BatchStream(
    dataset, plan: BatchStream.sequentialPlan(dataset, batchSize: 256))
  var samples = 0
  while let batch = try stream.next() { samples += batch.count }
  let time = clock.now - started
  let seconds =
    Double(time.components.seconds) + Double(time.components.attoseconds) * 1e-18
  print("\(pass) pass: \(time), \(Int(Double(samples) / seconds)) samples a second")
}
