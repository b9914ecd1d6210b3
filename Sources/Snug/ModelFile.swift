import GraphIR
import OnnxFormat
import Operators

/// An ONNX model on disk, and the jobs that can be done with it.
///
///     let verdict = try ModelFile("model.onnx").verify(accumulatorBits: 14)
///
/// Each job reads the file anew, so that a verdict is always on what the disk holds.
public struct ModelFile: Sendable, Hashable {
  public let path: String

  public init(_ path: String) { self.path = path }

  /// Reads the model with its operators decoded; unknown ones stay opaque.
  ///
  /// - Throws: ``SnugError/format(_:)`` for anything but a readable ONNX model.
  public func load() throws(SnugError) -> Model { try load(Catalogue()) }

  /// Reads the model with every node as domain, type and raw attributes.
  ///
  /// - Throws: ``SnugError/format(_:)`` for anything but a readable ONNX model.
  public func loadUndecoded() throws(SnugError) -> Model { try load(OpaqueResolver()) }

  private func load(_ resolver: some OperatorResolver) throws(SnugError) -> Model {
    do throws(FormatError) {
      return try OnnxReader.read(path: path, resolver: resolver)
    } catch {
      throw .format(error)
    }
  }
}
