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

  /// Opens a folder of `.npy` files, one for each input, with the reference `y`.
  ///
  /// An input's file has its name, with the changes of ``NpyFile/fileName(of:)``; that of an only input may be `x.npy`.
  static func folder(
    _ folder: Folder, _ request: DatasetRequest
  ) throws(DatasetError) -> ArrayDataset {
    func array(_ name: String) throws(DatasetError) -> (field: String, array: NpyArray)? {
      let file = NpyFile.fileName(of: name)
      guard folder.files.contains(file) else { return nil }
      return (name, try NpyArray(DataFile(folder.path(of: file))))
    }
    var arrays: [(field: String, array: NpyArray)] = []
    for input in request.inputs {
      var found = try array(input.name)
      if found == nil, request.inputs.count == 1 { found = try array("x") }
      guard let array = found else {
        throw .missingEntry(path: folder.path, entry: input.name, found: folder.files)
      }
      arrays.append(array)
    }
    return try ArrayDataset(
      path: folder.path, arrays: arrays, reference: request.usesReference ? try array("y") : nil,
      request: request)
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
