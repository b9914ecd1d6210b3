import GraphIR
import OnnxFormat
import Operators
import Passes

/// An ONNX model on disk, and the jobs that can be done with it.
///
///     let verdict = try ModelFile("model.onnx").verify(accumulatorBits: 14)
///
/// Each job reads the file anew, so that a verdict is always on what the disk holds.
public struct ModelFile: Sendable, Hashable {
  public let path: String

  public init(_ path: String) { self.path = path }

  /// Reads the model with its operators decoded; unknown ones stay opaque. QONNX's channels-last operators become
  /// those of the standard between transpositions, and onnxruntime's quantized ones float operators between
  /// quantizers.
  ///
  /// - Throws: ``SnugError`` for anything but a readable ONNX model.
  package func load() throws(SnugError) -> Model {
    try inStandardOperators(try read())
  }

  /// Reads the model with its operators decoded, in the file's own dialect.
  func read() throws(SnugError) -> Model { try load(Catalogue()) }

  /// What ``load()`` makes of a model as ``read()`` gives it.
  func inStandardOperators(_ model: Model) throws(SnugError) -> Model {
    var model = model
    let pipeline = Pipeline.reading(
      opset: model.opset(of: ""), channelsLastOpset: model.opset(of: ChannelsLast.domain))
    do { _ = try pipeline.run(&model.graph) } catch {
      throw .conversion(file: path, .pass(error))
    }
    return model
  }

  /// Reads the model with every node as domain, type and raw attributes.
  ///
  /// - Throws: ``SnugError/format(_:)`` for anything but a readable ONNX model.
  package func loadUndecoded() throws(SnugError) -> Model { try load(OpaqueResolver()) }

  private func load(_ resolver: some OperatorResolver) throws(SnugError) -> Model {
    do {
      return try OnnxReader.read(path: path, resolver: resolver)
    } catch {
      throw .format(error)
    }
  }
}
