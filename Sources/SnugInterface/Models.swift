import CSnug
import Snug
import TensorCore

@c @implementation
public func snug_model_open(
  _ path: UnsafePointer<CChar>?, _ error: ErrorPlace?
) -> OpaquePointer? {
  handingErrors(to: error) {
    guard let path = String(given: path) else { throw Diagnostic.argument("path", "is NULL") }
    try SnugError.inFile { () throws(FileError) in _ = try InputFile(path: path) }
    return ModelHandle(path).retained
  }
}

@c @implementation
public func snug_model_from_memory(
  _ bytes: UnsafeRawPointer?, _ count: Int, _ name: UnsafePointer<CChar>?, _ error: ErrorPlace?
) -> OpaquePointer? {
  handingErrors(to: error) {
    guard let bytes else { throw Diagnostic.argument("bytes", "is NULL") }
    let folder = try PrivateFolder()
    let path = folder.path(of: fileName(String(given: name) ?? "model"))
    try SnugError.inFile {
      () throws(FileError) in
      var file = try AtomicFile(replacing: path)
      try file.write(UnsafeRawBufferPointer(start: bytes, count: count))
      try file.commit()
    }
    return ModelHandle(path, in: folder).retained
  }
}

/// A name that a file can have.
private func fileName(_ name: String) -> String {
  let safe = String(name.map { $0 == "/" || $0 == "\0" ? "_" : $0 }.prefix(80))
  return safe.hasSuffix(".onnx") ? safe : safe + ".onnx"
}

extension SnugError {
  fileprivate static func inFile<T>(_ body: () throws(FileError) -> T) throws(SnugError) -> T {
    do { return try body() } catch { throw .file(error) }
  }
}

@c @implementation
public func snug_model_path(_ model: OpaquePointer?) -> UnsafePointer<CChar>? {
  ModelHandle.at(model)?.path.pointer
}

@c @implementation
public func snug_model_bytes(
  _ model: OpaquePointer?, _ count: UnsafeMutablePointer<Int>?, _ error: ErrorPlace?
) -> UnsafeMutableRawPointer? {
  handingErrors(to: error) {
    let model = try given(model)
    let bytes = try SnugError.inFile { () throws(FileError) in
      try InputFile(path: model.file.path).readAll()
    }
    guard let copy = malloc(max(bytes.count, 1)) else {
      throw Diagnostic(.execution, file: model.file.path, "too large for this machine's memory")
    }
    bytes.withUnsafeBytes {
      copy.copyMemory(from: $0.baseAddress ?? UnsafeRawPointer(copy), byteCount: bytes.count)
    }
    count?.pointee = bytes.count
    return copy
  }
}

@c @implementation
public func snug_model_save(
  _ model: OpaquePointer?, _ path: UnsafePointer<CChar>?, _ error: ErrorPlace?
) -> Int32 {
  codeOfErrors(to: error) {
    guard let path = String(given: path) else { throw Diagnostic.argument("path", "is NULL") }
    try given(model).file.copy(to: path)
  }
}

@c @implementation
public func snug_model_free(_ model: OpaquePointer?) { ModelHandle.free(model) }

@c @implementation
public func snug_model_signature(
  _ model: OpaquePointer?, _ error: ErrorPlace?
) -> UnsafeMutablePointer<CChar>? {
  handingErrors(to: error) { try given(model).file.signature().text().copied }
}

@c @implementation
public func snug_model_inspect(
  _ model: OpaquePointer?, _ error: ErrorPlace?
) -> UnsafeMutablePointer<CChar>? {
  handingErrors(to: error) { try given(model).file.inspect().json.text().copied }
}

@c @implementation
public func snug_model_page(
  _ model: OpaquePointer?, _ error: ErrorPlace?
) -> UnsafeMutablePointer<CChar>? {
  handingErrors(to: error) { try given(model).file.inspect().html.copied }
}

@c @implementation
public func snug_model_verify(
  _ model: OpaquePointer?, _ options: UnsafePointer<CChar>?, _ error: ErrorPlace?
) -> UnsafeMutablePointer<CChar>? {
  handingErrors(to: error) {
    let conditions = try JobOptions.verification(String(given: options) ?? "").conditions()
    return try given(model).file.verify(conditions).json.text().copied
  }
}

@c @implementation
public func snug_model_certificate(
  _ model: OpaquePointer?, _ options: UnsafePointer<CChar>?, _ error: ErrorPlace?
) -> UnsafeMutablePointer<CChar>? {
  handingErrors(to: error) {
    let conditions = try JobOptions.verification(String(given: options) ?? "").conditions()
    return try given(model).file.certificate(conditions).json.text().copied
  }
}

/// The model of a handle that a caller gives.
func given(_ model: OpaquePointer?) throws -> ModelHandle {
  guard let handle = ModelHandle.at(model) else {
    throw Diagnostic.argument("model", "is NULL")
  }
  return handle
}
