import TensorCore

/// Pairs of an image and a reduced copy of it.
///
/// Random patches are cut from these pairs: the whole image is reduced and both are cut at the same place, as in
/// training on ready-made pairs (DIV2K). Reducing a patch by itself would repeat the pixels of its border, which
/// occurs nowhere inside the images that the model meets later.
struct SuperResolutionDataset: Dataset {
  let path: String
  private let reader: ImageReader
  private let input: ImageGeometry
  private let scale: Int
  /// The size of each file's image.
  private let fileSizes: [ImageSize]
  /// The target size of each image.
  private let sizes: [ImageSize]
  /// The smallest width and the smallest height of any target.
  private let smallest: ImageSize
  /// The values of target pixels, 256 for each channel.
  private let targetTables: [Float]

  var count: Int { sizes.count }
  var reference: DatasetReference { .targets }
  var classNames: [String]? { nil }

  init(
    path: String, source: any ImageSource, scale: Int, cropMultiple: Int?, request: DatasetRequest
  ) throws(DatasetError) {
    guard (2...64).contains(scale) else {
      throw .superResolution(
        path: path, requirement: "a scale from 2 to 64", actual: "\(scale)")
    }
    let multiple = cropMultiple ?? (12 % scale == 0 ? 12 : 4 * scale)
    guard multiple > 0, multiple % scale == 0 else {
      throw .superResolution(
        path: path, requirement: "crops to a multiple of the scale \(scale)",
        actual: "\(multiple)")
    }
    self.path = path
    self.scale = scale
    input = try ImageGeometry(request, path: path, pixelScale: 1 / 255)
    targetTables = (0..<input.channels).flatMap { _ in (0..<256).map { Float(Double($0) / 255) } }
    fileSizes = try ImageSize.all(of: source)
    var sizes = fileSizes
    for (index, size) in fileSizes.enumerated() {
      let cropped = ImageSize(
        width: size.width / multiple * multiple, height: size.height / multiple * multiple)
      guard cropped.area > 0 else {
        throw .superResolution(
          path: source.path(of: index), requirement: "at least \(multiple)x\(multiple) pixels",
          actual: "\(size.width)x\(size.height)")
      }
      try input.check(cropped.reduced(by: scale), path: source.path(of: index))
      sizes[index] = cropped
    }
    self.sizes = sizes
    smallest = ImageSize(
      width: sizes.map(\.width).min() ?? 0, height: sizes.map(\.height).min() ?? 0)
    reader = ImageReader(source, input, fixedSize: nil)
  }

  func sampleShape(at index: Int) -> [Int] { input.sampleShape(sizes[index].reduced(by: scale)) }

  func require(_ augmentation: Augmentation, batchSize: Int) throws(DatasetError) {
    if augmentation.cropPadding > 0 {
      throw .augmentation(
        path: path, item: "crop=\(augmentation.cropPadding)",
        reason: "super-resolution has no use for black borders; give 'patch=96' for random crops")
    }
    if augmentation.hasJitter {
      throw .augmentation(
        path: path, item: "jitter",
        reason: "super-resolution keeps colours; leave out what changes them")
    }
    if let patch = augmentation.patch {
      func refusal(_ reason: String) -> DatasetError {
        .augmentation(path: path, item: "patch=\(patch)", reason: reason)
      }
      guard patch % scale == 0 else {
        throw refusal("a patch is cut at whole pixels of the input; give a multiple of \(scale)")
      }
      guard patch <= min(smallest.width, smallest.height) else {
        throw refusal(
          "an image has a side of \(min(smallest.width, smallest.height)) pixels; give no more")
      }
      // When the data was opened, images were found to fill an input of fixed size; no smaller patch does.
      guard [input.width, input.height].allSatisfy({ $0 ?? patch / scale == patch / scale }) else {
        throw refusal("the model's input has a fixed size; export it with free height and width")
      }
    } else if batchSize > 1, let other = sizes.firstIndex(where: { $0 != sizes[0] }) {
      throw .superResolution(
        path: path,
        requirement: "images of one size for batches of more than one sample, or random crops by "
          + "the augmentation 'patch=96'",
        actual: "\(sizes[0].width)x\(sizes[0].height) and "
          + "\(sizes[other].width)x\(sizes[other].height) pixels")
    }
  }

  func batch(
    _ indices: [Int], augmented draws: AugmentationDraws?, reading: BatchReading
  ) throws(DatasetError) -> Batch {
    try draws?.check(indices, of: self)
    let patch = draws?.augmentation.patch.map { ImageSize(width: $0, height: $0) }
    let size = patch ?? sizes[indices[0]]
    if patch == nil { _ = try BatchShape.common(self, indices) }
    let targetShape = input.sampleShape(size)
    try BatchShape.check(targetShape, samples: indices.count, path: path)
    let shape = input.sampleShape(size.reduced(by: scale))
    let failure = FirstFailure()
    var inputs: Tensor?
    let targets = Tensor(shape: [indices.count] + targetShape, of: Float.self) { targets in
      inputs = Tensor(shape: [indices.count] + shape, of: Float.self) { inputs in
        let length = inputs.count / indices.count
        let targetLength = targets.count / indices.count
        nonisolated(unsafe) let targets = targets
        failure.forEachRange(
          count: indices.count, grain: 1, reading: reading, writing: inputs
        ) { range, inputs in
          let decoder = ImageDecoder()
          var image = Image()
          for position in range {
            let index = indices[position]
            let window = self.window(draws?.draw(position), of: sizes[index], size: size)
            failure.attempt(at: position) { () throws(DatasetError) in
              try reader.withPixels(index, of: fileSizes[index], reading, decoder, &image) {
                write(
                  $0, index, window,
                  input: UnsafeMutableBufferPointer(
                    rebasing: inputs[position * length..<(position + 1) * length]),
                  target: UnsafeMutableBufferPointer(
                    rebasing: targets[position * targetLength..<(position + 1) * targetLength]))
              }
            }
          }
        }
      }
    }
    try failure.check()
    return Batch(inputs: inputs.map { [$0] } ?? [], targets: targets)
  }

  /// The part of the input that a draw takes; `size` is that of the target.
  private func window(
    _ draw: AugmentationDraw?, of whole: ImageSize, size: ImageSize
  ) -> PixelWindow {
    var window = PixelWindow(size: size.reduced(by: scale))
    guard let draw else { return window }
    let places = whole.reduced(by: scale)
    window.x = AugmentationDraw.place(
      draw.horizontal, among: places.width - window.size.width + 1)
    window.y = AugmentationDraw.place(
      draw.vertical, among: places.height - window.size.height + 1)
    window.mirrorsHorizontally = draw.mirrorsHorizontally
    window.mirrorsVertically = draw.mirrorsVertically
    return window
  }

  /// Writes the input and the target of one sample.
  ///
  /// - Parameter window: the part of the reduced image to write.
  private func write(
    _ pixels: UnsafeBufferPointer<UInt8>, _ index: Int, _ window: PixelWindow,
    input output: UnsafeMutableBufferPointer<Float>, target: UnsafeMutableBufferPointer<Float>
  ) {
    let small = BicubicResampling.resize(
      pixels, rowLength: fileSizes[index].width, channels: input.channels, from: sizes[index],
      to: sizes[index].reduced(by: scale), columns: window.x..<window.x + window.size.width,
      rows: window.y..<window.y + window.size.height)
    var inner = window
    (inner.x, inner.y) = (0, 0)
    small.pixels.withUnsafeBufferPointer {
      input.write($0, of: small.size, window: inner, to: output)
    }
    var large = window
    large.size = ImageSize(width: window.size.width * scale, height: window.size.height * scale)
    (large.x, large.y) = (window.x * scale, window.y * scale)
    input.write(pixels, of: fileSizes[index], window: large, to: target, tables: targetTables)
  }
}

extension ImageSize {
  fileprivate func reduced(by scale: Int) -> ImageSize {
    ImageSize(width: width / scale, height: height / scale)
  }
}
