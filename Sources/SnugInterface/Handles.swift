import Snug

/// What a caller holds behind an opaque pointer.
protocol Handle: AnyObject, Sendable {}

extension Handle {
  /// A pointer that keeps this object until ``free(_:)``.
  var retained: OpaquePointer { OpaquePointer(Unmanaged.passRetained(self).toOpaque()) }

  /// The object behind a pointer; `nil` for a null pointer.
  static func at(_ pointer: OpaquePointer?) -> Self? {
    pointer.map { Unmanaged<Self>.fromOpaque(UnsafeRawPointer($0)).takeUnretainedValue() }
  }

  static func free(_ pointer: OpaquePointer?) {
    guard let pointer else { return }
    Unmanaged<Self>.fromOpaque(UnsafeRawPointer(pointer)).release()
  }
}

/// A text that lives as long as what holds it.
final class HeldText: Sendable {
  nonisolated(unsafe) private let memory: UnsafeMutablePointer<CChar>

  init(_ text: String) { memory = text.copied }

  deinit { releaseText(memory) }

  var pointer: UnsafePointer<CChar> { UnsafePointer(memory) }
}

extension String {
  /// A copy that the caller of the interface frees with `snug_free`.
  var copied: UnsafeMutablePointer<CChar> {
    guard let copy = withCString({ strdup($0) }) else { fatalError("out of memory") }
    return copy
  }

  /// The text that a caller gives; `nil` for a null pointer.
  init?(given pointer: UnsafePointer<CChar>?) {
    guard let pointer else { return nil }
    self.init(cString: pointer)
  }
}

/// A model on disk, with the private folder in which it lies, if any.
final class ModelHandle: Handle {
  let file: ModelFile
  let path: HeldText
  /// Removed with the handle.
  private let folder: PrivateFolder?

  init(_ path: String, in folder: PrivateFolder? = nil) {
    file = ModelFile(path)
    self.path = HeldText(path)
    self.folder = folder
  }
}

/// Samples in a private folder.
final class SamplesHandle: Handle {
  let folder: PrivateFolder
  let count: Int

  init(_ folder: PrivateFolder, count: Int) {
    self.folder = folder
    self.count = count
  }
}

private func releaseText(_ memory: UnsafeMutablePointer<CChar>) { free(memory) }
