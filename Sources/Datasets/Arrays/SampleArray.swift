import TensorCore

/// An array whose dimension 0 counts samples, converted to a model's input while it is read.
struct SampleArray: Sendable {
  /// The array's name in errors.
  let path: String
  let field: String
  let count: Int
  /// The shape of one sample as the model has it.
  let sampleShape: [Int]
  private let elementType: ElementType
  private let isBigEndian: Bool
  private let elements: ByteSource
  /// The normalization of each channel, or one for all.
  private let normalization: [ChannelNormalization]
  /// The number of elements between two steps of the channel index.
  private let channelStride: Int
  /// The layout of a sample that is an image, of three dimensions; `nil` for any other.
  let image: ImageLayout?
  /// The normalized values of 8-bit elements, 256 for each channel.
  private let tables: [Float]
  /// The element type of the model's input.
  private let target: ElementType

  /// Matches `array` with an input of the model.
  ///
  /// Dimensions of 1 may be missing or extra, and a sample of rank 1 in the model takes a flattened one.
  init(
    _ array: NpyArray, field: String, input: DatasetRequest.Input, layout: ImageLayout?,
    normalization: Normalization
  ) throws(DatasetError) {
    guard let first = array.header.shape.first else {
      throw .shape(
        path: array.path, field: field, expected: "samples along dimension 0", actual: [])
    }
    guard array.elements.count > 0 else { throw .empty(path: array.path, what: "'\(field)'") }
    let stored = Array(array.header.shape.dropFirst())
    let dimensions = input.sampleDimensions ?? stored.map(Dimension.fixed)
    guard let shape = Self.match(stored, dimensions) else {
      throw .shape(
        path: array.path, field: field,
        expected: "Nx" + dimensions.map(\.description).joined(separator: "x"),
        actual: array.header.shape)
    }
    // Channels are dimension 1 of the batch except in NHWC images.
    let isLast =
      shape.count == 3
      && (layout ?? ImageLayout(dimensions: [.unknown] + shape.map(Dimension.fixed))) == .nhwc
    let axis = isLast ? 2 : 0
    let channels = shape.isEmpty ? 1 : shape[axis]
    try self.init(
      array, field: field, count: first, sampleShape: shape,
      normalization: try normalization.perChannel(channels),
      channelStride: shape.dropFirst(axis + 1).reduce(1, *),
      image: shape.count == 3 ? (isLast ? .nhwc : .nchw) : nil, target: input.type.elementType)
  }

  /// Makes an array of reference values, which are read as float32 in the shape that they have in the file.
  init(targets array: NpyArray, field: String) throws(DatasetError) {
    try self.init(
      array, field: field, count: array.header.shape.first ?? 0,
      sampleShape: Array(array.header.shape.dropFirst()),
      normalization: try Normalization.identity.perChannel(1), channelStride: 1, image: nil,
      target: .float32)
  }

  private init(
    _ array: NpyArray, field: String, count: Int, sampleShape: [Int],
    normalization: [ChannelNormalization], channelStride: Int, image: ImageLayout?,
    target: ElementType
  ) throws(DatasetError) {
    guard array.elements.count > 0 else { throw .empty(path: array.path, what: "'\(field)'") }
    path = array.path
    self.field = field
    self.count = count
    self.sampleShape = sampleShape
    elementType = array.header.elementType
    self.normalization = normalization
    self.channelStride = channelStride
    self.target = target
    self.image = image
    if array.header.isFortranOrder {
      elements = .memory(try array.tensor().storage)
      isBigEndian = false
    } else {
      elements = array.elements
      isBigEndian = array.header.isBigEndian
    }
    tables =
      elementType.bitWidth == 8 ? normalization.flatMap { $0.table(array.header.elementType) } : []
  }

  /// Announces that only the samples at `indices` will be read.
  func select(_ indices: [Int]) throws(DatasetError) {
    try elements.select(indices, stride: elements.count / count)
  }

  /// Reads the samples at `indices`, stacked along dimension 0.
  ///
  /// - Precondition: with `draws`, samples are images.
  func read(
    _ indices: [Int], augmented draws: AugmentationDraws? = nil, reading: BatchReading = .parallel
  ) throws(DatasetError) -> Tensor {
    let sampleBytes = elements.count / count
    let length = sampleBytes * 8 / (elementType.bitWidth ?? 8)
    let failure = FirstFailure()
    let bytes = Shape.elementCount([indices.count, MemoryLayout<Float>.size, length]) ?? .max
    try MemoryLimit.check(bytes, path: path)
    if target != .float32 { return try readAsStored(indices) }
    let grain = max(1, (1 << 16) / length)
    let tensor = Tensor(shape: [indices.count] + sampleShape, of: Float.self) { target in
      failure.forEachRange(
        count: indices.count, grain: grain, reading: reading, writing: target
      ) { range, target in
        let raw = UnsafeMutableRawBufferPointer.allocate(byteCount: sampleBytes, alignment: 64)
        defer { raw.deallocate() }
        for position in range {
          let output = UnsafeMutableBufferPointer(
            rebasing: target[position * length..<(position + 1) * length])
          failure.attempt(at: position) { () throws(DatasetError) in
            try elements.read(at: indices[position] * sampleBytes, into: raw)
            if isBigEndian { NpyArray.swapBytes(raw, width: sampleBytes / length) }
            guard convert(UnsafeRawBufferPointer(raw), to: output) else {
              throw .nonFinite(path: path, field: field, sample: indices[position])
            }
            if let draws { augment(output, draws.draw(position), draws.augmentation) }
          }
        }
      }
    }
    try failure.check()
    return tensor
  }

  /// Reads samples for an input of integers or truth values, which nothing normalizes.
  private func readAsStored(_ indices: [Int]) throws(DatasetError) -> Tensor {
    let size = elements.count / count
    let storage = try TensorStorage(byteCount: size * indices.count) {
      (bytes) throws(DatasetError) in
      for (position, index) in indices.enumerated() {
        let place = UnsafeMutableRawBufferPointer(
          rebasing: bytes[position * size..<(position + 1) * size])
        try elements.read(at: index * size, into: place)
        if isBigEndian { NpyArray.swapBytes(place, width: (elementType.bitWidth ?? 8) / 8) }
        if elementType == .bool {
          for byte in place.indices where place[byte] != 0 { place[byte] = 1 }
        }
      }
    }
    let stored = Tensor(
      elementType: elementType, shape: [indices.count] + sampleShape, storage: storage)
    guard let tensor = stored?.converted(exactlyTo: target) else {
      throw .elementType(
        path: path, field: field, expected: "values of \(target.onnxName)",
        actual: elementType.onnxName)
    }
    return tensor
  }

  /// The width and height of a sample that is an image.
  var imageSize: ImageSize? {
    switch image {
    case .nchw: ImageSize(width: sampleShape[2], height: sampleShape[1])
    case .nhwc: ImageSize(width: sampleShape[1], height: sampleShape[0])
    case nil: nil
    }
  }

  /// Crops and mirrors a normalized image in place; pixels outside the image become the normalized 0.
  private func augment(
    _ output: UnsafeMutableBufferPointer<Float>, _ draw: AugmentationDraw,
    _ augmentation: Augmentation
  ) {
    guard let image, let size = imageSize, size.area > 0 else { return }
    let channels = output.count / size.area
    let strides = PixelWindow.Strides(image, size, channels: channels)
    let window = draw.window(of: size, padding: augmentation.cropPadding)
    withUnsafeTemporaryAllocation(of: Float.self, capacity: output.count) { copy in
      _ = copy.initialize(from: output)
      window.write(
        UnsafeBufferPointer(copy), of: size, from: strides, to: output, at: strides,
        channels: channels, outside: { normalization[normalization.count == 1 ? 0 : $0](0) },
        convert: { $1 })
    }
  }

  /// Converts one sample; returns false where a value is not finite.
  private func convert(
    _ raw: UnsafeRawBufferPointer, to output: UnsafeMutableBufferPointer<Float>
  ) -> Bool {
    switch elementType {
    case .uint8, .int8, .bool:
      lookUp(raw.bindMemory(to: UInt8.self), to: output)
      return true
    case .uint16: return compute(raw.bindMemory(to: UInt16.self), to: output) { Double($0) }
    case .int16: return compute(raw.bindMemory(to: Int16.self), to: output) { Double($0) }
    case .uint32: return compute(raw.bindMemory(to: UInt32.self), to: output) { Double($0) }
    case .int32: return compute(raw.bindMemory(to: Int32.self), to: output) { Double($0) }
    case .uint64: return compute(raw.bindMemory(to: UInt64.self), to: output) { Double($0) }
    case .int64: return compute(raw.bindMemory(to: Int64.self), to: output) { Double($0) }
    case .float64: return compute(raw.bindMemory(to: Double.self), to: output) { $0 }
    case .float16:
      return compute(raw.bindMemory(to: UInt16.self), to: output) {
        Double(HalfPrecision.float(fromFloat16: $0))
      }
    default:
      let values = raw.bindMemory(to: Float.self)
      guard normalization.count == 1, normalization[0].isIdentity else {
        return compute(values, to: output) { Double($0) }
      }
      _ = output.update(from: values)
      return values.allSatisfy(\.isFinite)
    }
  }

  private func lookUp(
    _ values: UnsafeBufferPointer<UInt8>, to output: UnsafeMutableBufferPointer<Float>
  ) {
    tables.withUnsafeBufferPointer { tables in
      forEachRun(values.count) { run, channel in
        let base = channel * 256
        for position in run { output[position] = tables[base + Int(values[position])] }
      }
    }
  }

  @inline(__always)
  private func compute<T>(
    _ values: UnsafeBufferPointer<T>, to output: UnsafeMutableBufferPointer<Float>,
    _ widen: (T) -> Double
  ) -> Bool {
    var allFinite = true
    forEachRun(values.count) { run, channel in
      let normalize = normalization[channel]
      for position in run {
        let value = normalize(widen(values[position]))
        allFinite = allFinite && value.isFinite
        output[position] = value
      }
    }
    return allFinite
  }

  /// Calls `body` with the sample's elements in runs of one channel.
  @inline(__always)
  private func forEachRun(_ length: Int, _ body: (Range<Int>, _ channel: Int) -> Void) {
    let step = normalization.count == 1 ? length : channelStride
    var start = 0
    var channel = 0
    while start < length {
      body(start..<min(start + step, length), channel)
      start += step
      channel = channel + 1 == normalization.count ? 0 : channel + 1
    }
  }
}
