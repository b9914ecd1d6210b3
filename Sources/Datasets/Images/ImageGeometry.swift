import TensorCore

/// How images fill one input of a model.
struct ImageGeometry: Sendable {
  let inputName: String
  let layout: ImageLayout
  let channels: Int
  /// The fixed height of the model's input; `nil` where any is allowed.
  let height: Int?
  /// The fixed width of the model's input; `nil` where any is allowed.
  let width: Int?
  /// The rank of the model's input: 4 (NCHW or NHWC), or for grey images 3 (NHW) or 2 (all pixels in a row).
  private let rank: Int
  /// The normalized values of pixels, 256 for each channel.
  private let tables: [Float]

  /// - Parameters:
  ///   - size: the size that the data fixes, which a flattened input needs.
  ///   - pixelScale: a factor of pixels in 0...255 before the normalization.
  init(
    _ request: DatasetRequest, path: String, size: ImageSize? = nil, pixelScale: Double = 1
  ) throws(DatasetError) {
    guard request.inputs.count == 1, let input = request.inputs.first else {
      throw .imageInput(
        path: path, input: request.inputs.map(\.name).joined(separator: "', '"),
        type: "\(request.inputs.count) tensors")
    }
    let refusal = DatasetError.imageInput(path: path, input: input.name, type: "\(input.type)")
    guard input.type.elementType == .float32, let dimensions = input.type.dimensions else {
      throw refusal
    }
    switch dimensions.count {
    case 4:
      layout = request.layout ?? ImageLayout(dimensions: dimensions)
      channels = dimensions[layout == .nchw ? 1 : 3].size ?? 3
      height = dimensions[layout == .nchw ? 2 : 1].size
      width = dimensions[layout == .nchw ? 3 : 2].size
    case 3:
      layout = .nchw
      channels = 1
      height = dimensions[1].size
      width = dimensions[2].size
    case 2:
      guard let size, dimensions[1].size ?? size.area == size.area else { throw refusal }
      layout = .nchw
      channels = 1
      height = size.height
      width = size.width
    default: throw refusal
    }
    guard channels == 1 || channels == 3 else { throw refusal }
    inputName = input.name
    rank = dimensions.count
    let normalization = try request.normalization.perChannel(channels)
    tables = (0..<channels).flatMap { channel in
      let normalize = normalization[normalization.count == 1 ? 0 : channel]
      return (0..<256).map { normalize(Double($0) * pixelScale) }
    }
  }

  /// The size that all images must have, where the model fixes it.
  var fixedSize: ImageSize? {
    guard let width, let height else { return nil }
    return ImageSize(width: width, height: height)
  }

  /// The shape of one sample.
  func sampleShape(_ size: ImageSize) -> [Int] {
    switch (rank, layout) {
    case (2, _): [size.area]
    case (3, _): [size.height, size.width]
    case (_, .nchw): [channels, size.height, size.width]
    case (_, .nhwc): [size.height, size.width, channels]
    }
  }

  /// Checks an image's size against the model's.
  func check(_ size: ImageSize, path: String) throws(DatasetError) {
    guard width ?? size.width == size.width, height ?? size.height == size.height else {
      let expected = [width, height].map { $0.map(String.init) ?? "any" }
      throw .imageSize(
        path: path, input: inputName, width: size.width, height: size.height,
        expected: expected.joined(separator: "x"))
    }
  }

  /// Writes the normalized pixels of a window in the model's layout, with black outside the image.
  ///
  /// - Precondition: `pixels` are interleaved, with the model's number of channels.
  func write(
    _ pixels: UnsafeBufferPointer<UInt8>, of size: ImageSize, window: PixelWindow,
    to output: UnsafeMutableBufferPointer<Float>
  ) {
    write(pixels, of: size, window: window, to: output, tables: tables)
  }

  /// Writes the pixels of a window in the model's layout, each looked up in its channel's table of 256 values.
  func write(
    _ pixels: UnsafeBufferPointer<UInt8>, of size: ImageSize, window: PixelWindow,
    to output: UnsafeMutableBufferPointer<Float>, tables: [Float]
  ) {
    precondition(tables.count == 256 * channels, "tables for other channels")
    tables.withUnsafeBufferPointer { tables in
      window.write(
        pixels, of: size, from: PixelWindow.Strides(.nhwc, size, channels: channels),
        to: output, at: PixelWindow.Strides(layout, window.size, channels: channels),
        channels: channels, outside: { tables[256 * $0] },
        convert: { tables[256 * $0 + Int($1)] })
    }
  }
}

extension ImageSize {
  /// The number of pixels; the sizes of files are bounded by ``ImageLimits``.
  var area: Int { width * height }
}
