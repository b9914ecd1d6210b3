import TensorCore

/// Samples from arrays in `.npy`, `.npz` or TensorProto files.
struct ArrayDataset: Dataset {
  let path: String
  let inputs: [SampleArray]
  let labels: [Int]?
  let targets: SampleArray?
  var classNames: [String]? { nil }
  var isQuickToRead: Bool { true }

  /// The least number of samples in any array, since a limit doesn't shorten an array that is stored by columns.
  var count: Int {
    let reference = labels?.count ?? targets?.count
    return (inputs.map(\.count) + [reference ?? .max]).min() ?? 0
  }
  var reference: DatasetReference {
    labels != nil ? .labels : targets != nil ? .targets : .none
  }

  /// - Parameters:
  ///   - arrays: an array for each input of `request`, in its order, with the name of its field.
  ///   - reference: the array of labels or targets.
  init(
    path: String, arrays: [(field: String, array: NpyArray)],
    reference: (field: String, array: NpyArray)?, request: DatasetRequest
  ) throws(DatasetError) {
    self.path = path
    if case .superResolution = request.task, reference == nil, request.usesReference {
      throw .superResolution(
        path: path, requirement: "a folder of images, or targets 'y'", actual: "inputs alone")
    }
    var inputs: [SampleArray] = []
    for ((field, array), input) in zip(arrays, request.inputs) {
      let samples = try SampleArray(
        try array.leading(request.limit), field: field, input: input, layout: request.layout,
        normalization: request.normalization)
      let (expected, actual) = (arrays[0].array.header.shape.first, array.header.shape.first)
      guard expected == actual else {
        throw .sampleCount(
          path: array.path, field: field, expected: expected ?? 0, actual: actual ?? 0)
      }
      inputs.append(samples)
    }
    guard !inputs.isEmpty else { throw .empty(path: path, what: "the model's input list") }
    self.inputs = inputs

    guard let (field, whole) = reference else {
      labels = nil
      targets = nil
      return
    }
    let stored = arrays[0].array.header.shape.first ?? 0
    let samples = whole.header.shape.first ?? 0
    guard samples == stored else {
      throw .sampleCount(path: whole.path, field: field, expected: stored, actual: samples)
    }
    let array = try whole.leading(request.limit)
    if try Self.areLabels(array, field: field, task: request.task) {
      let values = try Self.labels(array, field: field)
      try Labels.check(values, path: array.path, classes: request.classCount)
      labels = values
      targets = nil
    } else {
      labels = nil
      targets = try SampleArray(targets: array, field: field)
    }
  }

  func sampleShape(at index: Int) -> [Int] { inputs[0].sampleShape }

  func select(_ indices: [Int]) throws(DatasetError) {
    for input in inputs { try input.select(indices) }
    try targets?.select(indices)
  }

  func batch(
    _ indices: [Int], augmented draws: AugmentationDraws?, reading: BatchReading
  ) throws(DatasetError) -> Batch {
    precondition(!indices.isEmpty, "an empty batch")
    try draws?.check(indices, of: self)
    let changes = draws.flatMap { $0.augmentation == .none ? nil : $0 }
    var tensors: [Tensor] = []
    for input in inputs {
      tensors.append(try input.read(indices, augmented: changes, reading: reading))
    }
    return Batch(
      inputs: tensors, labels: labels.map { labels in indices.map { labels[$0] } },
      targets: try targets?.read(indices, reading: reading))
  }

  func require(_ augmentation: Augmentation, batchSize: Int) throws(DatasetError) {
    if augmentation == .none { return }
    func refusal(_ item: String, _ reason: String) -> DatasetError {
      .augmentation(path: path, item: item, reason: reason)
    }
    if augmentation.hasJitter {
      throw refusal("jitter", "colours of arrays are not known; give image files, or leave it out")
    }
    if let patch = augmentation.patch {
      throw refusal(
        "patch=\(patch)", "patches are cut out of images; give a folder of them, or leave it out")
    }
    guard inputs.count == 1, let size = inputs[0].imageSize else {
      throw refusal(
        "\(augmentation)", "only one input of images NxCxHxW or NxHxWxC can be; give 'none'")
    }
    if let targets, targets.sampleShape.count >= 2 {
      throw refusal(
        "\(augmentation)", "targets that are images would have to follow; give 'none'")
    }
    let padding = augmentation.cropPadding
    guard padding < min(size.width, size.height) else {
      throw refusal(
        "crop=\(padding)",
        "an image has a side of \(min(size.width, size.height)) values; give less")
    }
  }

  /// Whether the reference holds labels rather than targets.
  private static func areLabels(
    _ array: NpyArray, field: String, task: DatasetTask?
  ) throws(DatasetError) -> Bool {
    let type = array.header.elementType
    let isWhole = type.isInteger || type == .bool
    switch task {
    case .regression, .superResolution: return false
    case nil: return isWhole && array.isVector
    case .classification:
      guard isWhole || !array.isVector else {
        throw .elementType(
          path: array.path, field: field, expected: "labels as integers", actual: type.onnxName)
      }
      return true
    }
  }

  /// The labels of an array: its integers, or, of scores or one-hot codes, the first largest in each sample.
  private static func labels(_ array: NpyArray, field: String) throws(DatasetError) -> [Int] {
    let tensor = try array.tensor()
    if array.isVector, let labels = tensor.integers() { return labels }
    let scores = try SampleArray(targets: array, field: field)
    let all = try scores.read(Array(0..<scores.count))
    return Metrics.largest(all)
  }
}

extension NpyArray {
  /// Whether the array has one element for each sample.
  fileprivate var isVector: Bool { header.shape.dropFirst().allSatisfy { $0 == 1 } }
}

enum Labels {
  /// Checks that labels are not negative and, where it is known, below the number of classes.
  ///
  /// - Throws: ``DatasetError/labelOutOfRange(path:sample:label:classes:)`` where one isn't.
  static func check(_ labels: [Int], path: String, classes: Int?) throws(DatasetError) {
    for (sample, label) in labels.enumerated()
    where label < 0 || classes.map({ label >= $0 }) ?? false {
      throw .labelOutOfRange(path: path, sample: sample, label: label, classes: classes)
    }
  }
}
