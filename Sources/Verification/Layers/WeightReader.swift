import TensorCore

/// Reads the integers of a layer's weight, channel by channel, from the bytes in the file.
struct WeightReader {
  let layout: DotProductLayout
  /// For each channel, the position of its first element in the tensor.
  let bases: [Int]
  /// For each channel, how its elements become integers.
  let channels: [ChannelQuantizer]
  /// The weight's elements; floats of other widths are widened once, exactly.
  private let tensor: Tensor

  /// - Throws: ``Obstacle/elementType(node:what:actual:)`` for elements that are neither integers nor widen exactly
  ///   to float32.
  init(_ layout: DotProductLayout, node: String) throws(Obstacle) {
    self.layout = layout
    let weight = layout.weight
    bases = layout.offsets(layout.channelAxes, strides: weight.strides)
    channels = layout.channelQuantizers()
    if weight.quantizer == nil {
      tensor = weight.tensor
      return
    }
    guard [.float32, .float16, .bfloat16].contains(weight.tensor.elementType),
      let floats = weight.tensor.convertedToFloat()
    else {
      throw .elementType(node: node, what: "the weight", actual: weight.tensor.elementType)
    }
    tensor = floats
  }

  /// The sums over the integers of each channel; channels are read in parallel.
  ///
  /// The weight's memory is given back where its content can be read again.
  func sums() -> [ChannelSums] {
    defer { tensor.storage.discard() }
    return tensor.storage.withBytes { sums($0) }
  }

  private func sums(_ bytes: UnsafeRawBufferPointer) -> [ChannelSums] {
    guard let base = bytes.baseAddress, layout.dotLength > 0 else {
      return [ChannelSums](repeating: ChannelSums(), count: layout.channelCount)
    }
    let scan = WeightScan(layout, bases: bases, channels: channels)
    guard channels.allSatisfy(\.isNarrow) else {
      return scan.sumsOneByOne { index, channel in element(bytes, index, channel) }
    }
    switch tensor.elementType {
    case .float32 where channels.allSatisfy(\.isNearest):
      return scan.sums(NearestFloats(base: base))
    case .int8: return scan.sums(Integers<Int8>(base: base))
    case .uint8: return scan.sums(Integers<UInt8>(base: base))
    case .int16: return scan.sums(Integers<Int16>(base: base))
    case .uint16: return scan.sums(Integers<UInt16>(base: base))
    case .int4: return scan.sums(Nibbles(base: base, signed: true))
    case .uint4: return scan.sums(Nibbles(base: base, signed: false))
    default: return scan.sumsOneByOne { index, channel in element(bytes, index, channel) }
    }
  }

  /// The integers of one channel in the order of its products, with 0 for NaN and infinity.
  func integers(ofChannel index: Int) -> [Int64] {
    tensor.storage.withBytes { bytes in
      layout.offsets(layout.dotAxes, strides: layout.weight.strides).map { offset in
        Int64(element(bytes, bases[index] + offset, channels[index]).integer)
      }
    }
  }

  private func element(
    _ bytes: UnsafeRawBufferPointer, _ index: Int, _ channel: ChannelQuantizer
  ) -> ElementReading {
    func load<T: BitwiseCopyable>(_ type: T.Type) -> T {
      bytes.loadUnaligned(fromByteOffset: index * MemoryLayout<T>.stride, as: type)
    }
    let code: Int
    switch tensor.elementType {
    case .float32:
      let value = load(Float.self)
      guard value.isFinite else { return ElementReading(integer: 0, isNonFinite: true) }
      let integer = channel.code(value) - channel.zeroPoint
      return ElementReading(
        integer: integer, isInexact: Float(integer) * channel.scale != value)
    case .int8: code = Int(load(Int8.self))
    case .uint8: code = Int(load(UInt8.self))
    case .int16: code = Int(load(Int16.self))
    case .uint16: code = Int(load(UInt16.self))
    case .int4: code = Nibbles.code(bytes[index / 2], index: index, signed: true)
    case .uint4: code = Nibbles.code(bytes[index / 2], index: index, signed: false)
    case .uint32: code = Int(load(UInt32.self))
    default: code = Int(load(Int32.self))
    }
    return ElementReading(integer: code - channel.zeroPoint)
  }
}

/// One element as the path for any type and range reads it.
struct ElementReading {
  var integer: Int
  var isInexact = false
  var isNonFinite = false
}

/// The quantizer of one channel, which is the same for all products of one sum.
struct ChannelQuantizer: Sendable {
  var formula: ElementQuantizer.Formula?
  /// The scale by which an element is divided before it is rounded.
  var step: Float
  /// The quantizer's zero point, which is added before or after rounding.
  var offset: Int
  var lower: Int
  var upper: Int
  /// The zero point that is subtracted from the code.
  var zeroPoint: Int
  /// The real value of one integer step.
  var scale: Float

  /// Whether the vectorized loops can sum the integers of the data type.
  var isNarrow: Bool {
    max(abs(lower), abs(upper)) <= 1 << 21 && abs(zeroPoint) <= 1 << 20
  }

  /// Whether rounding the quotient alone to the nearest integer gives the integer.
  var isNearest: Bool {
    guard offset == 0, zeroPoint == 0, scale == step else { return false }
    switch formula {
    case .quant(.halfEven), .linear: return true
    default: return false
    }
  }

  func code(_ value: Float) -> Int {
    guard let formula else { return 0 }
    return formula.code(value, scale: step, zeroPoint: offset, lower: lower, upper: upper)
  }
}

extension DotProductLayout {
  /// The positions of all index tuples of `axes`, the last axis fastest.
  func offsets(_ axes: [Int], strides: [Int]) -> [Int] {
    var result = [0]
    for axis in axes {
      let size = weight.shape[axis]
      result = result.flatMap { base in (0..<size).map { base + $0 * strides[axis] } }
    }
    return result
  }

  func channelQuantizers() -> [ChannelQuantizer] {
    func values<T>(_ parameter: Parameter<T>?, default fallback: T) -> [T] {
      guard let parameter else { return [T](repeating: fallback, count: channelCount) }
      return self.offsets(channelAxes, strides: parameter.strides).map { parameter.values[$0] }
    }
    let scales = values(weight.scale, default: 1)
    let zeroPoints = values(weight.zeroPoint, default: 0)
    let steps = values(weight.quantizer?.scale, default: 1)
    let offsets = values(weight.quantizer?.zeroPoint, default: 0)
    return scales.indices.map { channel in
      ChannelQuantizer(
        formula: weight.quantizer?.formula, step: steps[channel], offset: offsets[channel],
        lower: weight.quantizer?.lower ?? weight.codes?.minimum ?? 0,
        upper: weight.quantizer?.upper ?? weight.codes?.maximum ?? 0,
        zeroPoint: zeroPoints[channel], scale: scales[channel])
    }
  }
}
