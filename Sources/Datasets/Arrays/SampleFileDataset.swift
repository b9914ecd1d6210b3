import TensorCore

/// Samples that are a `.npz` file each, with an array for each input, named as the input is and of the shape that the
/// model takes: any number of inputs, of any types, whatever their first dimensions count.
///
/// Samples are stacked where the first dimension of every array is 1 and the model leaves it open. An entry `y` of one
/// integer is the sample's label, any other `y` its target.
struct SampleFileDataset: Dataset {
  let path: String
  let reference: DatasetReference
  let isStackable: Bool
  private let files: [String]
  private let inputs: [DatasetRequest.Input]
  /// The shapes of each sample's inputs.
  private let shapes: [[[Int]]]

  var classNames: [String]? { nil }
  var count: Int { files.count }

  /// The name of the array with a sample's label or target.
  private static let referenceName = "y"

  /// - Parameters:
  ///   - files: the samples, at least one.
  ///   - request: what the model takes.
  /// - Throws: ``DatasetError`` where a file is none of such, or doesn't fit the model.
  init(path: String, files: [String], request: DatasetRequest) throws(DatasetError) {
    guard request.normalization == .identity else {
      throw .normalization(
        parameter: "--mean, --std, --input-scale",
        expected: "none, since samples in files of their own are taken as they are",
        actual: "a normalization")
    }
    self.path = path
    inputs = request.inputs
    self.files = Array(files.prefix(request.limit ?? .max))
    var shapes: [[[Int]]] = []
    var references: Set<DatasetReference> = []
    for file in self.files {
      let sample = try SampleFile(file)
      var found: [[Int]] = []
      for input in inputs {
        let header = try sample.array(input.name).header
        guard input.type.admits(header.shape) else {
          throw .shape(
            path: file, field: input.name, expected: "\(input.type)", actual: header.shape)
        }
        found.append(header.shape)
      }
      shapes.append(found)
      if request.usesReference { references.insert(try sample.reference(Self.referenceName)) }
    }
    self.shapes = shapes
    reference = references.count == 1 ? references.first ?? .none : .none
    isStackable =
      reference != .targets
      && shapes.allSatisfy { $0.allSatisfy { $0.first == 1 } }
  }

  func sampleShape(at index: Int) -> [Int] { shapes[index].flatMap { [$0.count] + $0.dropFirst() } }

  func batch(
    _ indices: [Int], augmented draws: AugmentationDraws?, reading: BatchReading
  ) throws(DatasetError) -> Batch {
    precondition(!indices.isEmpty, "an empty batch")
    var parts = [[Tensor]](repeating: [], count: inputs.count)
    var labels: [Int] = []
    var targets: Tensor?
    for index in indices {
      let sample = try SampleFile(files[index])
      for (place, input) in inputs.enumerated() {
        parts[place].append(try sample.tensor(input, sample: index))
      }
      switch reference {
      case .labels: labels.append(try sample.label(Self.referenceName))
      case .targets: targets = try sample.target(Self.referenceName)
      case .none: break
      }
    }
    var tensors: [Tensor] = []
    for part in parts {
      guard let joined = part.count == 1 ? part[0] : Tensor.concatenate(part) else {
        throw .mixedShapes(
          path: path, first: part[0].shape,
          other: part.first { $0.shape != part[0].shape }?.shape ?? [])
      }
      tensors.append(joined)
    }
    return Batch(
      inputs: tensors, labels: reference == .labels ? labels : nil, targets: targets,
      count: indices.count)
  }

  func require(_ augmentation: Augmentation, batchSize: Int) throws(DatasetError) {
    guard augmentation == .none else {
      throw .augmentation(
        path: path, item: "\(augmentation)", reason: "samples are taken as they are; give 'none'")
    }
    guard isStackable || batchSize == 1 else {
      throw .mixedShapes(path: path, first: shapes[0][0], other: shapes[shapes.count - 1][0])
    }
  }
}

/// One sample: a `.npz` file.
private struct SampleFile {
  private let archive: ZipArchive

  init(_ path: String) throws(DatasetError) { archive = try ZipArchive(DataFile(path)) }

  private var names: [String] {
    archive.entries.map { $0.name.hasSuffix(".npy") ? String($0.name.dropLast(4)) : $0.name }
  }

  func array(_ name: String) throws(DatasetError) -> NpyArray {
    guard let index = names.firstIndex(of: name) else {
      throw .missingEntry(path: archive.file.path, entry: name, found: names)
    }
    return try NpyArray(
      try archive.content(of: archive.entries[index]), path: archive.file.path)
  }

  func tensor(_ input: DatasetRequest.Input, sample: Int) throws(DatasetError) -> Tensor {
    let array = try array(input.name)
    guard let tensor = try array.tensor().converted(exactlyTo: input.type.elementType) else {
      throw .elementType(
        path: array.path, field: input.name,
        expected: "values of \(input.type.elementType.onnxName)",
        actual: array.header.elementType.onnxName)
    }
    if tensor.elementType == .float32,
      !tensor.withElements(of: Float.self, { $0.allSatisfy(\.isFinite) })
    {
      throw .nonFinite(path: array.path, field: input.name, sample: sample)
    }
    return tensor
  }

  func reference(_ name: String) throws(DatasetError) -> DatasetReference {
    guard names.contains(name) else { return .none }
    let header = try array(name).header
    let isLabel = header.elementType.isInteger && header.shape.reduce(1, *) == 1
    return isLabel ? .labels : .targets
  }

  func label(_ name: String) throws(DatasetError) -> Int {
    let array = try array(name)
    guard let label = try array.tensor().integers()?.first, label >= 0 else {
      throw .labelOutOfRange(path: array.path, sample: 0, label: -1, classes: nil)
    }
    return label
  }

  func target(_ name: String) throws(DatasetError) -> Tensor {
    let array = try array(name)
    guard let tensor = try array.tensor().convertedToFloat() else {
      throw .elementType(
        path: array.path, field: name, expected: "numbers",
        actual: array.header.elementType.onnxName)
    }
    return tensor
  }
}

extension TensorType {
  /// Whether an input of this type takes an array of that shape.
  fileprivate func admits(_ shape: [Int]) -> Bool {
    guard let dimensions else { return true }
    return dimensions.count == shape.count
      && zip(dimensions, shape).allSatisfy { $0.size == nil || $0.size == $1 }
  }
}
