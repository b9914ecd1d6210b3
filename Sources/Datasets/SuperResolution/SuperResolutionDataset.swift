import TensorCore

/// Pairs of an image and its reduced copy.
struct SuperResolutionDataset: Dataset {
  let path: String
  private let source: any ImageSource
  private let input: ImageGeometry
  private let scale: Int
  /// The target size of each image.
  private let sizes: [ImageSize]
  /// Pixel values of targets, 256 a channel.
  private let targetTables: [Float]

  var count: Int { source.count }
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
    self.source = source
    self.scale = scale
    input = try ImageGeometry(request, path: path, pixelScale: 1 / 255)
    targetTables = (0..<input.channels).flatMap { _ in (0..<256).map { Float(Double($0) / 255) } }
    var sizes = try ImageSize.all(of: source)
    for (index, size) in sizes.enumerated() {
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
  }

  func sampleShape(at index: Int) -> [Int] { input.sampleShape(sizes[index].reduced(by: scale)) }

  func batch(_ indices: [Int]) throws(DatasetError) -> Batch {
    let shape = try BatchShape.common(self, indices)
    let targetShape = input.sampleShape(sizes[indices[0]])
    let failure = FirstFailure()
    var inputs: Tensor?
    let targets = Tensor(shape: [indices.count] + targetShape, of: Float.self) { targets in
      inputs = Tensor(shape: [indices.count] + shape, of: Float.self) { inputs in
        let length = inputs.count / indices.count
        let targetLength = targets.count / indices.count
        nonisolated(unsafe) let targets = targets
        failure.forEachRange(count: indices.count, grain: 1, writing: inputs) { range, inputs in
          let decoder = ImageDecoder()
          var image = Image()
          for position in range {
            failure.attempt(at: position) { () throws(DatasetError) in
              try read(
                indices[position], decoder, &image,
                input: UnsafeMutableBufferPointer(
                  rebasing: inputs[position * length..<(position + 1) * length]),
                target: UnsafeMutableBufferPointer(
                  rebasing: targets[position * targetLength..<(position + 1) * targetLength]))
            }
          }
        }
      }
    }
    try failure.check()
    return Batch(inputs: inputs.map { [$0] } ?? [], targets: targets)
  }

  private func read(
    _ index: Int, _ decoder: ImageDecoder, _ image: inout Image,
    input output: UnsafeMutableBufferPointer<Float>, target: UnsafeMutableBufferPointer<Float>
  ) throws(DatasetError) {
    try source.read(index, decoder, into: &image)
    let size = sizes[index]
    // The file may have changed since its size was read.
    guard image.width >= size.width, image.height >= size.height else {
      throw .imageSize(
        path: source.path(of: index), input: input.inputName, width: image.width,
        height: image.height, expected: "the size it had when the data was opened")
    }
    image.convert(toChannels: input.channels)
    let large = image.cropped(width: size.width, height: size.height)
    let reduced = size.reduced(by: scale)
    let small = BicubicResampling.resize(large, width: reduced.width, height: reduced.height)
    small.pixels.withUnsafeBufferPointer { input.write($0, to: output) }
    large.pixels.withUnsafeBufferPointer { pixels in
      targetTables.withUnsafeBufferPointer { tables in
        ImageGeometry.write(
          pixels, to: target, tables: tables, channels: input.channels, layout: input.layout)
      }
    }
  }
}

extension ImageSize {
  fileprivate func reduced(by scale: Int) -> ImageSize {
    ImageSize(width: width / scale, height: height / scale)
  }
}
