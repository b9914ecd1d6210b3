import COnnxProto
import GraphIR
import TensorCore

/// Reads ONNX models: IR version 3 and later, opset 7 and later.
///
/// Weights are held once, in the storage of their tensors, so that peak memory is little more than the file. Any
/// input results in a model or in a ``FormatError``.
package enum OnnxReader {
  /// Reads a model file, with external data from its folder.
  ///
  /// - Parameter resolver: makes the operators; ``OpaqueResolver`` leaves all of them undecoded.
  /// - Throws: ``FormatError`` where the file can't be read as a model.
  package static func read(path: String, resolver: any OperatorResolver) throws(FormatError)
    -> Model
  {
    do {
      let source = try openSource(path)
      let externalData = ExternalData(folder: FilePath.folder(of: path))
      return try read(source, externalData, resolver: resolver)
    } catch {
      throw FormatError(file: path, error)
    }
  }

  /// The files, besides the model's own, that hold its tensors.
  ///
  /// - Throws: ``FormatError`` where the file can't be read as a model.
  package static func externalFiles(path: String) throws(FormatError) -> [String] {
    do {
      let externalData = ExternalData(folder: FilePath.folder(of: path))
      _ = try read(try openSource(path), externalData, resolver: OpaqueResolver())
      return externalData.paths.sorted()
    } catch {
      throw FormatError(file: path, error)
    }
  }

  /// Reads a model from memory.
  ///
  /// - Parameters:
  ///   - name: the model's name in errors.
  ///   - folder: the folder of external data; without one, a model with external data is refused.
  /// - Throws: ``FormatError`` where the bytes can't be read as a model.
  package static func read(
    bytes: [UInt8], name: String = "model", folder: String? = nil,
    resolver: any OperatorResolver
  ) throws(FormatError) -> Model {
    do {
      return try read(ByteSource(bytes), ExternalData(folder: folder), resolver: resolver)
    } catch {
      throw FormatError(file: name, error)
    }
  }

  private static func read(
    _ source: ByteSource, _ externalData: ExternalData, resolver: any OperatorResolver
  ) throws(FormatProblem) -> Model {
    let descriptor = Descriptors.model
    let scanned = try scan(source, as: descriptor, role: .model)
    let message = try DecodedMessage<Onnx__ModelProto>(scanned.skeleton, as: descriptor)
    let tensors = TensorDecoder(blobs: scanned.blobs, externalData: externalData)
    return try ModelDecoder(resolver: resolver, tensors: tensors).decode(message.pointer)
  }

  static func openSource(_ path: String) throws(FormatProblem) -> ByteSource {
    do {
      return try ByteSource(InputFile(path: path), limit: FormatLimits.protobufBytes)
    } catch {
      throw .cannotRead(error)
    }
  }

  /// Scans a file, and recognizes what it is where it is not an ONNX file.
  static func scan(
    _ source: ByteSource, as descriptor: UnsafePointer<ProtobufCMessageDescriptor>,
    role: WireScanner.Role
  ) throws(FormatProblem) -> ScannedMessage {
    var source = source
    guard source.count > 0 else { throw .empty }
    guard source.count <= FormatLimits.protobufBytes else {
      throw .fileSize(limit: FormatLimits.protobufBytes)
    }
    let head = try Array(source.prefix(512))
    if let kind = FileKind(head: head) { throw .foreign(kind) }
    do {
      return try WireScanner.scan(source, as: descriptor, role: role)
    } catch {
      // Damage in the first field means that nothing shows that the file is ONNX.
      if case .malformed(_, offset: 0, _) = error { throw .foreign(.unknown) }
      throw error
    }
  }
}
