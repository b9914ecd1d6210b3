import DNNEngine
import Execution
import TensorCore

extension MemoryDescriptor.AxisNest {
  /// Entries that a parameter along the axis has in memory, those of the padding included.
  var parameterCount: Int { blocks * block }

  /// Calls `body` in parallel for parts of memory that together cover it.
  ///
  /// With `block` 1, a part is `count` elements of the entry `entry`; otherwise it is `count` rows of
  /// `block` elements with the entries from `entry` on.
  ///
  /// - Parameter body: gets the offset of the part in elements, `count`, and `entry`.
  func forEachPart(_ body: @Sendable (_ offset: Int, _ count: Int, _ entry: Int) -> Void) {
    let units = outer * blocks
    let unitSize = inner * block
    if units >= Parallelism.threadCount * 2 {
      Parallelism.forEachRange(count: units, grain: max(1, Self.grain / max(unitSize, 1))) {
        for unit in $0 { body(unit * unitSize, inner, unit % blocks * block) }
      }
    } else {
      for unit in 0..<units {
        Parallelism.forEachRange(count: inner, grain: max(1, Self.grain / block)) {
          body(unit * unitSize + $0.lowerBound * block, $0.count, unit % blocks * block)
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

/// Scratch memory of a kernel for one parameter of each entry of an axis.
final class ParameterBuffer {
  let pointer: UnsafeMutablePointer<Float>
  private let count: Int

  /// - Parameter neutral: the value in the padding.
  init(_ nest: MemoryDescriptor.AxisNest, neutral: Float) {
    count = nest.parameterCount
    pointer = .allocate(capacity: max(count, 1))
    pointer.initialize(repeating: neutral, count: max(count, 1))
  }

  deinit { pointer.deallocate() }

  /// Copies the parameters of `entries` entries, or one for all of them.
  func fill(from source: UnsafePointer<Float>, entries: Int, isScalar: Bool) {
    if isScalar {
      pointer.update(repeating: source[0], count: entries)
    } else {
      pointer.update(from: source, count: entries)
    }
  }
}
