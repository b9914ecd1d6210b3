import TensorCore

/// Images with or without labels.
struct ImageDataset: Dataset {
  let path: String
  let labels: [Int]?
  let classNames: [String]?
  private let source: any ImageSource
  private let geometry: ImageGeometry
  private let cache: PixelCache?
  /// One, or one an image where the model takes any size.
  private let sizes: [ImageSize]

  var count: Int { source.count }
  var reference: DatasetReference { labels == nil ? .none : .labels }

  init(
    path: String, source: any ImageSource, labels: [Int]?, classNames: [String]? = nil,
    request: DatasetRequest
  ) throws(DatasetError) {
    if let labels { try Labels.check(labels, path: path, classes: request.classCount) }
    self.path = path
    self.source = source
    // Labels mean nothing to a task of another kind.
    let isLabelled = request.task == nil || request.task == .classification
    self.labels = isLabelled ? labels : nil
    self.classNames = isLabelled ? classNames : nil
    geometry = try ImageGeometry(request, path: path, size: source.fixedSize)
    // A wrong size shows at once rather than after hours.
    try geometry.check(try source.size(of: 0, ImageDecoder()), path: source.path(of: 0))
    if let fixed = geometry.fixedSize {
      sizes = [fixed]
      cache =
        source.isDecoded
        ? PixelCache(count: source.count, imageSize: fixed.area * geometry.channels) : nil
    } else {
      sizes = try ImageSize.all(of: source)
      cache = nil
    }
  }

  func sampleShape(at index: Int) -> [Int] {
    geometry.sampleShape(sizes.count == 1 ? sizes[0] : sizes[index])
  }

  func batch(_ indices: [Int]) throws(DatasetError) -> Batch {
    let shape = try BatchShape.common(self, indices)
    let failure = FirstFailure()
    let tensor = Tensor(shape: [indices.count] + shape, of: Float.self) { target in
      let length = target.count / indices.count
      failure.forEachRange(count: indices.count, grain: 4, writing: target) { range, target in
        let decoder = ImageDecoder()
        var image = Image()
        for position in range {
          let output = UnsafeMutableBufferPointer(
            rebasing: target[position * length..<(position + 1) * length])
          failure.attempt(at: position) { () throws(DatasetError) in
            try read(indices[position], decoder, &image, to: output)
          }
        }
      }
    }
    try failure.check()
    return Batch(inputs: [tensor], labels: labels.map { labels in indices.map { labels[$0] } })
  }

  private func read(
    _ index: Int, _ decoder: ImageDecoder, _ image: inout Image,
    to output: UnsafeMutableBufferPointer<Float>
  ) throws(DatasetError) {
    if let pixels = cache?.pixels(index) {
      geometry.write(pixels, to: output)
      return
    }
    let path = source.path(of: index)
    try source.read(index, decoder, into: &image)
    try geometry.check(ImageSize(width: image.width, height: image.height), path: path)
    image.convert(toChannels: geometry.channels)
    // The file may have changed since its size was read.
    guard image.pixels.count == output.count else {
      throw .imageSize(
        path: path, input: geometry.inputName, width: image.width, height: image.height,
        expected: "the size it had when the data was opened")
    }
    cache?.store(image.pixels, index)
    image.pixels.withUnsafeBufferPointer { geometry.write($0, to: output) }
  }
}

enum BatchShape {
  /// The shape that all samples of a batch share, checked to fit in memory.
  static func common(_ dataset: some Dataset, _ indices: [Int]) throws(DatasetError) -> [Int] {
    precondition(!indices.isEmpty, "an empty batch")
    let shape = dataset.sampleShape(at: indices[0])
    for index in indices.dropFirst() {
      let other = dataset.sampleShape(at: index)
      guard other == shape else {
        throw .mixedShapes(path: dataset.path, first: shape, other: other)
      }
    }
    let bytes = Shape.elementCount([indices.count, MemoryLayout<Float>.size] + shape) ?? .max
    try MemoryLimit.check(bytes, path: dataset.path)
    return shape
  }
}
