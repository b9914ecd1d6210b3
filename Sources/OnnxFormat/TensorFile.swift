import COnnxProto
import TensorCore

/// Files of one serialized `TensorProto`, such as `input_0.pb`.
package enum TensorFile {
  /// Reads a tensor and its name, which is often empty.
  ///
  /// - Throws: ``FormatError`` where the file can't be read as a tensor.
  package static func readNamed(path: String) throws(FormatError) -> (name: String, tensor: Tensor)
  {
    do {
      let descriptor = Descriptors.tensor
      let scanned = try OnnxReader.scan(
        OnnxReader.openSource(path), as: descriptor, role: .tensor)
      let message = try DecodedMessage<Onnx__TensorProto>(scanned.skeleton, as: descriptor)
      let decoder = TensorDecoder(
        blobs: scanned.blobs, externalData: ExternalData(folder: FilePath.folder(of: path)))
      let name = text(message.pointer.pointee.name)
      return (name, try decoder.decode(message.pointer, name: FilePath.name(of: path)))
    } catch {
      throw FormatError(file: path, error)
    }
  }

  /// Reads a tensor.
  ///
  /// - Throws: ``FormatError`` where the file can't be read as one.
  package static func read(path: String) throws(FormatError) -> Tensor {
    try readNamed(path: path).tensor
  }

  /// Writes a tensor; whatever was at the path stays until the file is complete.
  ///
  /// - Throws: ``FormatError`` where the file can't be written.
  package static func write(_ tensor: Tensor, name: String = "", to path: String)
    throws(FormatError)
  {
    do {
      var file = try AtomicFile(replacing: path)
      try TensorEncoder(arena: MessageArena()).encode(tensor, name: name).write(to: &file)
      try file.commit()
    } catch {
      throw FormatError(file: path, .cannotWrite(error))
    }
  }
}
