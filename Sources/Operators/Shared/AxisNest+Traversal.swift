import DNNEngine
import Execution
import TensorCore

extension MemoryDescriptor.AxisNest {
  /// Entries that a parameter along the axis has in memory, those of the padding included.
  var parameterCount: Int { blocks * block }

  /// Parts of memory, each of one entry or block of entries.
  ///
  /// With `block` 1, a part is `count` elements of the entry `entry`; otherwise it is `count` rows of
  /// `block` elements with the entries from `entry` on. It begins `offset` elements after the first one.
  struct Parts: Sequence, IteratorProtocol {
    fileprivate let nest: MemoryDescriptor.AxisNest
    fileprivate var units: Range<Int>
    /// The rows of each unit.
    fileprivate let rows: Range<Int>

    mutating func next() -> (offset: Int, count: Int, entry: Int)? {
      guard let unit = units.popFirst() else { return nil }
      return (
        (unit * nest.inner + rows.lowerBound) * nest.block, rows.count,
        unit % nest.blocks * nest.block
      )
    }
  }

  /// Calls `body` in parallel with parts of memory that together cover it.
  ///
  /// - Parameter shared: what is safe to use from several threads at once.
  func forEachPart<each Shared>(
    sharing shared: repeat each Shared, do body: @Sendable (Parts, repeat each Shared) -> Void
  ) {
    let units = outer * blocks
    if units >= Parallelism.threadCount * 2 {
      Parallelism.forEachRange(
        count: units, grain: max(1, Self.grain / max(inner * block, 1)),
        sharing: repeat each shared
      ) { (range: Range<Int>, shared: repeat each Shared) in
        body(Parts(nest: self, units: range, rows: 0..<inner), repeat each shared)
      }
    } else {
      for unit in 0..<units {
        Parallelism.forEachRange(
          count: inner, grain: max(1, Self.grain / block), sharing: repeat each shared
        ) { (range: Range<Int>, shared: repeat each Shared) in
          body(Parts(nest: self, units: unit..<unit + 1, rows: range), repeat each shared)
        }
      }
    }
  }
}

extension KernelInput {
  /// The nest around an axis in the layout that the value stands in, or in row-major order where that
  /// layout has no such form; with the layout it belongs to.
  func nest(around axis: Int) throws(KernelError) -> (MemoryDescriptor.AxisNest, TensorLayout) {
    if case .engine(let descriptor) = layout, let nest = descriptor.nest(around: axis) {
      return (nest, layout)
    }
    return (Self.rowMajorNest(shape, axis), .rowMajor)
  }

  static func rowMajorNest(_ shape: [Int], _ axis: Int) -> MemoryDescriptor.AxisNest {
    let inner = shape[(axis + 1)...].reduce(1, *)
    let outer = shape[..<axis].reduce(1, *)
    return inner == 1
      ? .init(outer: 1, blocks: 1, inner: outer, block: shape[axis], count: shape[axis])
      : .init(outer: outer, blocks: shape[axis], inner: inner, block: 1, count: shape[axis])
  }
}

extension MemoryDescriptor.AxisNest {
  /// Elements in memory, padding included.
  var total: Int { outer * blocks * inner * block }
  var hasPadding: Bool { count < parameterCount }
}

extension ScratchBuffer<Float> {
  /// Scratch memory of a kernel for one parameter of each entry of an axis.
  ///
  /// - Parameter neutral: the value in the padding.
  convenience init(_ nest: MemoryDescriptor.AxisNest, neutral: Float) {
    self.init(count: nest.parameterCount, repeating: neutral)
  }

  /// Copies the parameters of `entries` entries, or one for all of them.
  func fill(from source: UnsafePointer<Float>, entries: Int, isScalar: Bool) {
    if isScalar {
      pointer.update(repeating: source[0], count: entries)
    } else {
      pointer.update(from: source, count: entries)
    }
  }
}
