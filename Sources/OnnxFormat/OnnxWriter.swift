import GraphIR
import TensorCore

/// Writes models as ONNX files.
package enum OnnxWriter {
  /// Writes a model to a file, completely or not at all; whatever was at the path stays until then.
  ///
  /// The larger tensors of a model of more than 2 GiB go to a file of their own, ``externalDataPath(of:)``.
  ///
  /// - Throws: ``FormatError``, with ``FormatProblem/cannotWrite(_:)`` for a failure of the file system.
  package static func write(_ model: Model, to path: String) throws(FormatError) {
    try write(model, to: path, largestFile: FormatLimits.protobufBytes)
  }

  static func write(_ model: Model, to path: String, largestFile: Int) throws(FormatError) {
    do {
      var encoder = ModelEncoder(model)
      var parts = try encoder.encode()
      if parts.count > largestFile {
        let plan = ExternalDataPlan(location: FilePath.name(of: externalDataPath(of: path)))
        encoder = ModelEncoder(model, externalData: plan)
        parts = try encoder.encode()
      }
      try commit(parts, encoder.externalData, to: path)
    } catch {
      throw FormatError(file: path, error)
    }
  }

  /// The path of the file with the larger tensors of a large model that is written to `path`.
  package static func externalDataPath(of path: String) -> String { path + ".data" }

  /// The bytes of a model's file.
  ///
  /// - Throws: ``FormatError`` where the graph is not valid or can't be written.
  package static func serialize(_ model: Model) throws(FormatError) -> [UInt8] {
    do {
      var encoder = ModelEncoder(model)
      return try encoder.encode().joined()
    } catch {
      throw FormatError(file: "model", error)
    }
  }

  private static func commit(_ parts: WireParts, _ plan: ExternalDataPlan?, to path: String)
    throws(FormatProblem)
  {
    do {
      var file = try AtomicFile(replacing: path)
      try parts.write(to: &file)
      if let plan {
        var data = try AtomicFile(replacing: externalDataPath(of: path))
        try plan.write(to: &data)
        // The data comes first, since a model without its data is of no use.
        try data.commit()
      }
      try file.commit()
    } catch {
      throw .cannotWrite(error)
    }
  }
}
