import TensorCore

/// Opens data, whose kind it tells by the content.
///
/// | content | samples |
/// | --- | --- |
/// | folder of class folders of JPEG or PNG images | images with labels: classes sorted by name |
/// | folder of images, or one image | images without labels |
/// | folder of `.npz` files | a sample each, with every input as the model takes it |
/// | `.npz` with `x` (or for each input an entry of its name) and `y` | arrays |
/// | `.npy` | arrays of inputs alone |
/// | folder of `.npy` files, named as the model's inputs (or `x`), and `y` | arrays |
/// | CIFAR-10 binary batches: `*.bin`, or a folder of them | images with labels |
/// | IDX: `*-images-idx3-ubyte`, also `.gz`, with its labels beside it | images with labels |
/// | TensorProto: `input_0.pb`, `output_0.pb`; or folders of these | arrays |
package enum DatasetLoader {
  /// Opens the data at `path`.
  ///
  /// - Throws: ``DatasetError`` where nothing there can be read or it doesn't fit the request.
  package static func open(
    path: String, for request: DatasetRequest
  ) throws(DatasetError) -> any Dataset {
    if !request.constants.isEmpty {
      return try ConstantInputs(request) { (varying) throws(DatasetError) in
        try open(path: path, for: varying)
      }
    }
    switch PathKind(path) {
    case .missing: throw .file(FileError(.read, path, code: ENOENT))
    case .other: throw .notRegularFile(path: path)
    case .file: return try openFile(path, request)
    case .folder: return try openFolder(try Folder(path), request)
    }
  }

  /// The files beside the one at `path` that are read with it, such as its labels.
  package static func companions(of path: String) -> [String] {
    IdxFiles.labelPath(for: path).map { [$0] } ?? []
  }

  // MARK: Files

  private static func openFile(
    _ path: String, _ request: DatasetRequest
  ) throws(DatasetError) -> any Dataset {
    let file = try DataFile(path)
    guard file.size > 0 else { throw .empty(path: path, what: "the file") }
    let start = try file.prefix(16)
    let name = FilePath.name(of: path).lowercased()
    if start.starts(with: NpyHeader.magic) {
      return try ArrayFiles.npy(file, request)
    }
    if start.starts(with: [0x50, 0x4B, 0x03, 0x04]) || start.starts(with: [0x50, 0x4B, 0x05, 0x06])
    {
      return try ArrayFiles.npz(file, request)
    }
    if ImageDecoder.isJPEG(start) || ImageDecoder.isPNG(start) {
      return try images([path], labels: nil, path: path, request: request)
    }
    if IdxFiles.isImages(start) || start.starts(with: [0x1F, 0x8B]) {
      return try packed(try IdxFiles.open(file, limit: request.limit), path: path, request)
    }
    if name.hasSuffix(".pb") { return try TensorProtoFiles.open(file: path, request) }
    if name.hasSuffix(".bin") {
      return try packed(try CifarFiles.open([path]), path: path, request)
    }
    throw .unrecognized(path: path)
  }

  // MARK: Folders

  private static func openFolder(
    _ folder: Folder, _ request: DatasetRequest
  ) throws(DatasetError) -> any Dataset {
    if let sets = try TensorProtoFiles.sets(in: folder) {
      return try TensorProtoFiles.open(sets: sets, path: folder.path, request)
    }
    let batches = CifarFiles.batches(in: folder)
    if !batches.isEmpty {
      return try packed(try CifarFiles.open(batches), path: folder.path, request)
    }
    if let images = try IdxFiles.images(in: folder) {
      return try packed(
        try IdxFiles.open(DataFile(images), limit: request.limit), path: folder.path, request)
    }
    let samples = folder.files.filter { $0.hasSuffix(".npz") }
    if !samples.isEmpty {
      return try SampleFileDataset(
        path: folder.path, files: samples.map(folder.path(of:)), request: request)
    }
    if folder.files.contains(where: { $0.hasSuffix(".npy") }) {
      return try ArrayFiles.folder(folder, request)
    }
    let tree = try ImageFolder(folder, prefersClasses: request.task == .classification)
    guard !tree.paths.isEmpty else { throw .unrecognized(path: folder.path) }
    return try images(
      tree.paths, labels: tree.labels, classNames: tree.classNames, path: folder.path,
      request: request)
  }

  // MARK: Images

  private static func images(
    _ paths: [String], labels: [Int]?, classNames: [String]? = nil, path: String,
    request: DatasetRequest
  ) throws(DatasetError) -> any Dataset {
    try imageDataset(
      ImageFiles(paths: paths), labels: labels, classNames: classNames, path: path, request)
  }

  private static func packed(
    _ data: (images: PackedImages, labels: [Int]?), path: String, _ request: DatasetRequest
  ) throws(DatasetError) -> any Dataset {
    try imageDataset(data.images, labels: data.labels, classNames: nil, path: path, request)
  }

  private static func imageDataset(
    _ source: some ImageSource, labels: [Int]?, classNames: [String]?, path: String,
    _ request: DatasetRequest
  ) throws(DatasetError) -> any Dataset {
    if case .superResolution(let scale, let cropMultiple) = request.task {
      return try SuperResolutionDataset(
        path: path, source: source, scale: scale, cropMultiple: cropMultiple, request: request)
    }
    return try ImageDataset(
      path: path, source: source, labels: labels, classNames: classNames, request: request)
  }
}
