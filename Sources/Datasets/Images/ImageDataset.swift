import TensorCore

/// Images with or without labels.
struct ImageDataset: Dataset {
  let path: String
  let labels: [Int]?
  let classNames: [String]?
  private let geometry: ImageGeometry
  private let reader: ImageReader
  /// The size of all images, or that of each image where the model takes any size.
  private let sizes: [ImageSize]
  /// The smallest width and the smallest height of any image.
  private let smallest: ImageSize

  var count: Int { reader.source.count }
  var reference: DatasetReference { labels == nil ? .none : .labels }

  init(
    path: String, source: any ImageSource, labels: [Int]?, classNames: [String]? = nil,
    request: DatasetRequest
  ) throws(DatasetError) {
    if let labels { try Labels.check(labels, path: path, classes: request.classCount) }
    self.path = path
    // Labels mean nothing to a task of another kind.
    let isLabelled = request.task == nil || request.task == .classification
    self.labels = isLabelled ? labels : nil
    self.classNames = isLabelled ? classNames : nil
    geometry = try ImageGeometry(request, path: path, size: source.fixedSize)
    // The first image is checked, so that a wrong size shows at once rather than after hours.
    try geometry.check(try source.size(of: 0, ImageDecoder()), path: source.path(of: 0))
    if let fixed = geometry.fixedSize {
      sizes = [fixed]
    } else {
      sizes = try ImageSize.all(of: source)
      for (index, size) in sizes.enumerated() {
        try geometry.check(size, path: source.path(of: index))
      }
    }
    reader = ImageReader(source, geometry, fixedSize: geometry.fixedSize)
    smallest = ImageSize(
      width: sizes.map(\.width).min() ?? 0, height: sizes.map(\.height).min() ?? 0)
  }

  func select(_ indices: [Int]) throws(DatasetError) { try reader.source.select(indices) }

  func sampleShape(at index: Int) -> [Int] { geometry.sampleShape(size(of: index)) }

  private func size(of index: Int) -> ImageSize { sizes.count == 1 ? sizes[0] : sizes[index] }

  func require(_ augmentation: Augmentation, batchSize: Int) throws(DatasetError) {
    if let patch = augmentation.patch {
      throw .augmentation(
        path: path, item: "patch=\(patch)",
        reason: "patches are for super-resolution; give 'crop=4' for random shifts")
    }
    if augmentation.hasJitter, geometry.channels == 1 {
      throw .augmentation(
        path: path, item: "jitter",
        reason: "the model takes grey images; leave out what changes colours")
    }
    let padding = augmentation.cropPadding
    guard padding < min(smallest.width, smallest.height) else {
      throw .augmentation(
        path: path, item: "crop=\(padding)",
        reason: "an image has a side of \(min(smallest.width, smallest.height)) pixels; give less")
    }
    if batchSize > 1, let other = sizes.firstIndex(where: { $0 != sizes[0] }) {
      throw .mixedShapes(path: path, first: sampleShape(at: 0), other: sampleShape(at: other))
    }
  }

  func batch(
    _ indices: [Int], augmented draws: AugmentationDraws?, reading: BatchReading
  ) throws(DatasetError) -> Batch {
    let shape = try BatchShape.common(self, indices)
    try draws?.check(indices, of: self)
    let failure = FirstFailure()
    let tensor = Tensor(shape: [indices.count] + shape, of: Float.self) { target in
      let length = target.count / indices.count
      failure.forEachRange(
        count: indices.count, grain: 4, reading: reading, writing: target
      ) { range, target in
        let decoder = ImageDecoder()
        var image = Image()
        for position in range {
          let output = UnsafeMutableBufferPointer(
            rebasing: target[position * length..<(position + 1) * length])
          failure.attempt(at: position) { () throws(DatasetError) in
            let size = size(of: indices[position])
            try reader.withPixels(indices[position], of: size, reading, decoder, &image) {
              write($0, of: size, draws, at: position, to: output)
            }
          }
        }
      }
    }
    try failure.check()
    return Batch(inputs: [tensor], labels: labels.map { labels in indices.map { labels[$0] } })
  }

  private func write(
    _ pixels: UnsafeBufferPointer<UInt8>, of size: ImageSize, _ draws: AugmentationDraws?,
    at position: Int, to output: UnsafeMutableBufferPointer<Float>
  ) {
    guard let draws else {
      return geometry.write(pixels, of: size, window: PixelWindow(size: size), to: output)
    }
    let draw = draws.draw(position)
    let window = draw.window(of: size, padding: draws.augmentation.cropPadding)
    guard draws.augmentation.hasJitter else {
      return geometry.write(pixels, of: size, window: window, to: output)
    }
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: pixels.count) { copy in
      _ = copy.initialize(from: pixels)
      ColorJitter.apply(draw, to: copy)
      geometry.write(UnsafeBufferPointer(copy), of: size, window: window, to: output)
    }
  }
}
