import COneDNN

extension MemoryDescriptor {
  package var shape: [Int] { first(layout.dims) }
  /// The shape with the padding that fills incomplete blocks.
  package var paddedShape: [Int] { first(layout.padded_dims) }
  /// The number of bytes from the first element to the end, padding included.
  package var byteCount: Int { dnnl_memory_desc_get_size(raw) }

  package var hasPadding: Bool { shape != paddedShape }

  /// The number of elements in memory, padding included; `nil` where there are gaps between them.
  package var denseCount: Int? {
    guard isBlocked else { return nil }
    let count = paddedShape.reduce(1, *)
    return count * elementSize == byteCount ? count : nil
  }

  /// Whether memory holds exactly the elements in row-major order.
  package var isRowMajor: Bool {
    guard !hasPadding, let levels else { return false }
    var expected = 1
    var lastAxis = Int.max
    for level in levels.reversed() where level.size > 1 {
      guard level.stride == expected, level.axis <= lastAxis else { return false }
      expected *= level.size
      lastAxis = level.axis
    }
    return true
  }

  /// The distances between neighbours along each dimension, in elements; `nil` for a blocked layout.
  package var strides: [Int]? {
    guard isBlocked, layout.inner_nblks == 0 else { return nil }
    return first(layout.strides)
  }

  /// The dimensions from the outermost to the innermost in memory; `nil` unless it is dense without blocks.
  package var order: [Int]? {
    guard let strides, denseCount != nil else { return nil }
    return strides.indices.sorted { (strides[$0], $1) > (strides[$1], $0) }
  }

  /// A layout of dense memory with the dimensions in `order`, outermost first.
  ///
  /// - Throws: ``EngineError`` for a rank above ``maximumRank``.
  package init(shape: [Int], order: [Int], _ type: EngineElement = .float32) throws(EngineError) {
    var strides = shape
    var stride = 1
    for axis in order.reversed() {
      strides[axis] = stride
      stride *= max(shape[axis], 1)
    }
    try self.init(shape: shape, strides: strides, type)
  }

  /// The number of entries of dimension 1 that lie side by side, where memory is row-major over blocks of that many
  /// (as in `nChw16c`); `nil` for any other layout.
  package var channelBlock: Int? {
    guard isBlocked, layout.inner_nblks == 1, elements(layout.inner_idxs, 1)[0] == 1 else {
      return nil
    }
    let block = elements(layout.inner_blks, 1)[0]
    var outer = paddedShape
    outer[1] /= block
    var expected = block
    for (size, stride) in zip(outer, first(layout.strides)).reversed() {
      guard size == 1 || stride == expected else { return nil }
      expected *= size
    }
    return block
  }

  /// The layout of the first samples alone, in their places within the whole.
  ///
  /// - Throws: ``EngineError`` for a layout that only oneDNN knows.
  package func batch(of count: Int) throws(EngineError) -> MemoryDescriptor {
    let dims = [Int64(count)] + shape.dropFirst().map(Int64.init)
    let offsets = [Int64](repeating: 0, count: dims.count)
    return try MemoryDescriptor("dnnl_memory_desc_create_submemory") {
      snug_memory_desc_submemory($0, raw, dims, offsets)
    }
  }

  /// The number of bytes from one entry of the first dimension to the next; `nil` where the distance varies.
  package var batchByteStride: Int? {
    guard isBlocked, !elements(layout.inner_idxs, Int(layout.inner_nblks)).contains(0) else {
      return nil
    }
    return first(layout.strides).first.map { $0 * elementSize }
  }

  /// One loop of the nest that walks memory.
  struct Level {
    var axis: Int
    var size: Int
    var stride: Int
  }

  /// The loops of the nest: the outer ones by descending stride, then the inner blocks; `nil` for an opaque layout.
  private var levels: [Level]? {
    guard isBlocked else { return nil }
    let strides = first(layout.strides)
    let blockCount = Int(layout.inner_nblks)
    let blockSizes = elements(layout.inner_blks, blockCount)
    let blockAxes = elements(layout.inner_idxs, blockCount)
    var outerSizes = paddedShape
    for (axis, size) in zip(blockAxes, blockSizes) { outerSizes[axis] /= size }
    var outer = outerSizes.indices.map {
      Level(axis: $0, size: outerSizes[$0], stride: strides[$0])
    }
    // Where strides are equal, which only dimensions of one element have, the earlier axis is the outer one.
    outer.sort { ($0.stride, $1.axis) > ($1.stride, $0.axis) }
    var inner: [Level] = []
    var stride = 1
    for (axis, size) in zip(blockAxes, blockSizes).reversed() {
      inner.append(Level(axis: axis, size: size, stride: stride))
      stride *= size
    }
    return outer + inner.reversed()
  }

  /// A view of memory as `[outer][blocks][inner][block]`, in which the index of an entry of the axis is
  /// `block index * block + position in the block`.
  package struct AxisNest: Sendable, Hashable {
    /// Elements below which a thread of its own costs more than it saves.
    package static let grain = 1 << 15

    package var outer: Int
    package var blocks: Int
    package var inner: Int
    package var block: Int
    /// The number of entries of the axis; the rest of the last block is padding.
    package var count: Int

    package init(outer: Int, blocks: Int, inner: Int, block: Int, count: Int) {
      self.outer = outer
      self.blocks = blocks
      self.inner = inner
      self.block = block
      self.count = count
    }
  }

  /// The nest around one axis; `nil` where memory isn't dense or the axis is split in another way.
  ///
  /// Row-major, channels-last and channel-blocked layouts all have this form around the channel axis.
  package func nest(around axis: Int) -> AxisNest? {
    guard denseCount != nil, let levels, paddedShape.indices.contains(axis) else { return nil }
    // Only padding along the axis can be expressed.
    for (other, (size, padded)) in zip(shape, paddedShape).enumerated()
    where other != axis && size != padded { return nil }
    var nest = AxisNest(outer: 1, blocks: 1, inner: 1, block: 1, count: shape[axis])
    var seen = 0
    for level in levels where level.size > 1 {
      if level.axis == axis {
        guard seen < 2 else { return nil }
        if seen == 0 { nest.blocks = level.size } else { nest.block = level.size }
        seen += 1
      } else if seen == 0 {
        nest.outer *= level.size
      } else if seen == 1 {
        nest.inner *= level.size
      } else {
        return nil
      }
    }
    if seen == 0 {
      // The place of a single entry doesn't matter, so all else is inner.
      return AxisNest(outer: 1, blocks: 1, inner: nest.outer, block: 1, count: shape[axis])
    }
    if seen == 1, nest.inner == 1 {
      // An innermost axis is one block of all its entries, so that loops run along it.
      (nest.block, nest.blocks) = (nest.blocks, 1)
      (nest.inner, nest.outer) = (nest.outer, 1)
    }
    return nest
  }

  var elementSize: Int {
    switch layout.data_type {
    case dnnl_s8, dnnl_u8: 1
    case dnnl_f16, dnnl_bf16: 2
    default: 4
    }
  }

  /// Whether the layout has a known form; others only oneDNN knows.
  private var isBlocked: Bool { layout.blocked != 0 && layout.offset == 0 }

  private func first(_ dims: UnsafePointer<Int64>?) -> [Int] {
    elements(dims, Int(layout.ndims))
  }

  private func elements(_ values: UnsafePointer<Int64>?, _ count: Int) -> [Int] {
    UnsafeBufferPointer(start: values, count: values == nil ? 0 : count).map(Int.init)
  }
}
