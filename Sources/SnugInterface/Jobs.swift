import CSnug
import Snug
import TensorCore

@c @implementation
public func snug_model_convert(
  _ model: OpaquePointer?, _ options: UnsafePointer<CChar>?, _ data: OpaquePointer?,
  _ validation: OpaquePointer?, _ output: UnsafePointer<CChar>?,
  _ observer: UnsafePointer<snug_observer>?,
  _ summary: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?, _ error: ErrorPlace?
) -> OpaquePointer? {
  handingErrors(to: error) {
    try convert(
      given(model), String(given: options), epochs: 0, data: data, validation: validation,
      output: String(given: output), Observation(observer), summary)
  }
}

@c @implementation
public func snug_model_finetune(
  _ model: OpaquePointer?, _ options: UnsafePointer<CChar>?, _ data: OpaquePointer?,
  _ validation: OpaquePointer?, _ output: UnsafePointer<CChar>?,
  _ observer: UnsafePointer<snug_observer>?,
  _ summary: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?, _ error: ErrorPlace?
) -> OpaquePointer? {
  handingErrors(to: error) {
    try convert(
      given(model), String(given: options), epochs: TrainingSettings.usualEpochs, data: data,
      validation: validation, output: String(given: output), Observation(observer), summary)
  }
}

private func convert(
  _ model: ModelHandle, _ text: String?, epochs: Int, data: OpaquePointer?,
  validation: OpaquePointer?, output: String?, _ observation: Observation,
  _ summary: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) throws -> OpaquePointer {
  var options = try JobOptions.conversion(text ?? "", epochs: epochs)
  try options.conversion.take(data: data, validation: validation)
  let place = try Place(output, of: model.file)
  let done = try observation.following {
    if options.maxLoss != nil {
      return try model.file.choose(to: place.path, options, progress: observation.progress)
    }
    return try model.file.convert(
      to: place.path, options.conversion, observer: observation.training,
      progress: observation.progress)
  }
  for remark in done.remarks { observation.tell(remark) }
  summary?.pointee = done.json.text().copied
  return place.handle.retained
}

@c @implementation
public func snug_model_sweep(
  _ model: OpaquePointer?, _ options: UnsafePointer<CChar>?, _ data: OpaquePointer?,
  _ validation: OpaquePointer?, _ folder: UnsafePointer<CChar>?,
  _ observer: UnsafePointer<snug_observer>?, _ error: ErrorPlace?
) -> UnsafeMutablePointer<CChar>? {
  handingErrors(to: error) {
    let model = try given(model)
    guard let folder = String(given: folder) else {
      throw Diagnostic.argument("folder", "is NULL")
    }
    var options = try JobOptions.sweep(String(given: options) ?? "")
    try options.conversion.take(data: data, validation: validation)
    guard !options.accumulatorBits.isEmpty else {
      throw Diagnostic.argument(
        "options", "accumulator-bits is missing; give a range, such as 9...20")
    }
    let observation = Observation(observer)
    let result = try observation.following {
      try model.file.sweep(
        to: folder, options, observer: observation.training, progress: observation.progress)
    }
    return result.json.text().copied
  }
}

@c @implementation
public func snug_model_export(
  _ model: OpaquePointer?, _ options: UnsafePointer<CChar>?, _ output: UnsafePointer<CChar>?,
  _ summary: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?, _ error: ErrorPlace?
) -> OpaquePointer? {
  handingErrors(to: error) {
    let model = try given(model)
    let request = try JobOptions.export(String(given: options) ?? "")
    let place = try Place(String(given: output), of: model.file)
    let done = try model.file.export(to: place.path, request.options())
    summary?.pointee = done.json.text().copied
    return place.handle.retained
  }
}

@c @implementation
public func snug_model_evaluate(
  _ model: OpaquePointer?, _ options: UnsafePointer<CChar>?, _ data: OpaquePointer?,
  _ observer: UnsafePointer<snug_observer>?, _ error: ErrorPlace?
) -> UnsafeMutablePointer<CChar>? {
  handingErrors(to: error) {
    let model = try given(model)
    let request = try JobOptions.evaluation(String(given: options) ?? "")
    guard let samples = SamplesHandle.at(data)?.folder.path ?? request.data else {
      throw Diagnostic.argument("data", "is NULL, and the options name none")
    }
    let observation = Observation(observer)
    return try observation.following {
      try model.file.evaluate(on: samples, request.options, progress: observation.progress)
    }.json.text().copied
  }
}

/// Where a job's model goes.
private struct Place {
  let path: String
  private let folder: PrivateFolder?

  /// - Parameter output: `nil` for a private file, which gets the name of the model that it comes from.
  init(_ output: String?, of model: ModelFile) throws(SnugError) {
    if let output {
      (path, folder) = (output, nil)
      return
    }
    let folder = try PrivateFolder()
    (path, self.folder) = (folder.path(of: FilePath.name(of: model.path)), folder)
  }

  var handle: ModelHandle { ModelHandle(path, in: folder) }
}

extension ConversionOptions {
  /// Takes the samples that a caller gives in place of paths.
  fileprivate mutating func take(data: OpaquePointer?, validation: OpaquePointer?) throws {
    if let samples = SamplesHandle.at(data) {
      guard self.data == nil else {
        throw Diagnostic.argument("data", "is given, and the options name data too")
      }
      self.data = samples.folder.path
    }
    if let samples = SamplesHandle.at(validation) {
      guard self.validation == nil else {
        throw Diagnostic.argument("validation", "is given, and the options name validation too")
      }
      self.validation = samples.folder.path
    }
    if let threads { Parallelism.threadCount = threads }
  }
}
