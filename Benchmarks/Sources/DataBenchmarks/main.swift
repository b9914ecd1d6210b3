import Datasets
import Glibc
import TensorCore

// DataBenchmarks PATH [CHANNELS HEIGHT WIDTH [SCALE]]: time to open the data and to read it twice;
// 0 stands for any height or width, SCALE asks for super-resolution pairs.
let arguments = Array(CommandLine.arguments.dropFirst())
guard let path = arguments.first else {
  print("usage: DataBenchmarks PATH [CHANNELS HEIGHT WIDTH [SCALE]]")
  exit(64)
}
let numbers = arguments.dropFirst().compactMap { Int($0) }
do throws(DatasetError) {
  try measure(
    path, shape: numbers.count >= 3 ? Array(numbers[..<3]) : [3, 32, 32],
    scale: numbers.count == 4 ? numbers[3] : nil)
} catch {
  print("error: \(error)")
  exit(2)
}

func measure(_ path: String, shape: [Int], scale: Int?) throws(DatasetError) {
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
    let stream = BatchStream(dataset, plan: BatchStream.sequentialPlan(dataset, batchSize: 256))
    var samples = 0
    while let batch = try stream.next() { samples += batch.count }
    let seconds = (clock.now - started) / .seconds(1)
    print("\(pass) pass: \(seconds) s, \(Int(Double(samples) / seconds)) samples a second")
  }
}
