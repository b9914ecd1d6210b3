import CSnug
import Datasets
import Snug
import TensorCore

@c @implementation
public func snug_samples_read(
  _ source: snug_batch_source?, _ context: UnsafeMutableRawPointer?, _ form: Int32,
  _ error: ErrorPlace?
) -> OpaquePointer? {
  handingErrors(to: error) {
    guard let source else { throw Diagnostic.argument("source", "is NULL") }
    guard form == Int32(SNUG_STACKED) || form == Int32(SNUG_SEPARATE) else {
      throw Diagnostic.argument("form", "is \(form)")
    }
    let folder = try PrivateFolder()
    let samples = SampleFolder(path: folder.path, isStacked: form == Int32(SNUG_STACKED))
    while true {
      var batch = snug_batch()
      let answer = source(context, &batch)
      if answer == 0 { break }
      guard answer > 0 else { throw SnugError.interrupted }
      try samples.append(SampleFolder.Batch(batch))
    }
    try samples.finish()
    return SamplesHandle(folder, count: samples.count).retained
  }
}

@c @implementation
public func snug_samples_count(_ samples: OpaquePointer?) -> Int {
  SamplesHandle.at(samples)?.count ?? 0
}

@c @implementation
public func snug_samples_free(_ samples: OpaquePointer?) { SamplesHandle.free(samples) }

extension SampleFolder.Batch {
  /// A copy of what a source gives.
  fileprivate init(_ batch: snug_batch) throws {
    var inputs: [(name: String, tensor: Tensor)] = []
    for index in 0..<batch.input_count {
      guard let given = batch.inputs?[index] else { break }
      let name = String(given: given.name) ?? ""
      inputs.append((name, try Tensor(given, "inputs[\(index)]")))
    }
    self.init(
      inputs: inputs, reference: try batch.reference.map { try Tensor($0.pointee, "reference") })
  }
}
