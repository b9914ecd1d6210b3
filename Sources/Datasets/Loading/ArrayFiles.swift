import TensorCore

/// Opens data sets in NumPy files.
enum ArrayFiles {
  /// Opens a `.npy` file of inputs.
  static func npy(
    _ file: DataFile, _ request: DatasetRequest
  ) throws(DatasetError) -> ArrayDataset {
    guard request.inputs.count == 1 else {
      throw .missingEntry(
        path: file.path, entry: request.inputs.map(\.name).joined(separator: "', '"),
        found: ["one array"])
    }
    return try ArrayDataset(
      path: file.path, arrays: [(field: "x", array: try NpyArray(file))], reference: nil,
      request: request)
  }

  /// Opens a `.npz` file with the entry `x`, or for each input an entry of its name, and with the reference `y`.
  static func npz(
    _ file: DataFile, _ request: DatasetRequest
  ) throws(DatasetError) -> ArrayDataset {
    let archive = try ZipArchive(file)
    var arrays: [(field: String, array: NpyArray)] = []
    for input in request.inputs {
      let isOnly = request.inputs.count == 1
      var found = try array(input.name, in: archive)
      if found == nil && isOnly { found = try array("x", in: archive) }
      guard let array = found else {
        throw .missingEntry(
          path: file.path, entry: isOnly ? "x" : input.name,
          found: archive.entries.map { field($0.name) })
      }
      arrays.append(array)
    }
    return try ArrayDataset(
      path: file.path, arrays: arrays,
      reference: request.usesReference ? try array("y", in: archive) : nil, request: request)
  }

  private static func array(
    _ name: String, in archive: ZipArchive
  ) throws(DatasetError) -> (field: String, array: NpyArray)? {
    guard let entry = archive.entries.first(where: { field($0.name) == name }) else { return nil }
    return (name, try NpyArray(try archive.content(of: entry), path: archive.file.path))
  }

  /// The name of the array that an entry holds: the entry's without `.npy`.
  private static func field(_ entry: String) -> String {
    entry.hasSuffix(".npy") ? String(entry.dropLast(4)) : entry
  }
}
