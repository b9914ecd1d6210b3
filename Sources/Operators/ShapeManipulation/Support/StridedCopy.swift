import CKernels
import Execution
import GraphIR
import TensorCore

/// Fills row-major memory from elements at any distances.
struct StridedCopy: Sendable {
  private let elementSize: Int
  private let shape: [Int]
  private let strides: [Int]
  private let offset: Int

  /// - Parameters:
  ///   - shape: of the result.
  ///   - source: distances in the source, in elements, of neighbours along each axis; may be negative.
  ///   - offset: the source's element that comes first.
  /// - Throws: ``OperatorError/unsupported(what:)`` for element types not of 1, 2, 4 or 8 bytes.
  init(_ type: ElementType, shape: [Int], source: [Int], offset: Int = 0) throws(KernelError) {
    guard let bits = type.bitWidth, [8, 16, 32, 64].contains(bits) else {
      throw .operator(.unsupported(what: "element type \(type.onnxName)"))
    }
    elementSize = bits / 8
    self.offset = offset
    // Axes of one element don't matter; two that are contiguous in the source are one.
    var joined: [(size: Int, stride: Int)] = []
    for (size, stride) in zip(shape, source) where size != 1 {
      if let last = joined.last, last.stride == stride * size {
        joined[joined.count - 1] = (last.size * size, stride)
      } else {
        joined.append((size, stride))
      }
    }
    self.shape = joined.map(\.size)
    strides = joined.map(\.stride)
  }

  func run(from source: UnsafePointer<UInt8>, to destination: UnsafeMutablePointer<UInt8>) {
    let x = UnsafeRawPointer(source + offset * elementSize)
    let y = UnsafeMutableRawPointer(destination)
    // The two innermost axes make a plane.
    let columns = shape.last ?? 1
    let rows = shape.dropLast().last ?? 1
    let outer = shape.dropLast(2)
    let planes = outer.reduce(1, *)
    guard columns * rows * planes > 0 else { return }
    let columnStep = strides.last ?? 1
    let rowStep = strides.dropLast().last ?? 1
    @Sendable func copy(
      _ plane: Int, _ range: Range<Int>, _ x: UnsafeRawPointer, _ y: UnsafeMutableRawPointer
    ) {
      var rest = plane
      var start = 0
      for axis in outer.indices.reversed() {
        let (quotient, remainder) = rest.quotientAndRemainder(dividingBy: shape[axis])
        start += remainder * strides[axis]
        rest = quotient
      }
      start += range.lowerBound * rowStep
      snug_copy_plane(
        x + start * elementSize, y + (plane * rows + range.lowerBound) * columns * elementSize,
        elementSize, range.count, rowStep, columns, columnStep)
    }
    if planes >= 2 * Parallelism.threadCount {
      Parallelism.forEachRange(
        count: planes, grain: max(1, Self.grain / (rows * columns)), sharing: x, y
      ) { range, x, y in
        for plane in range { copy(plane, 0..<rows, x, y) }
      }
    } else {
      for plane in 0..<planes {
        Parallelism.forEachRange(
          count: rows, grain: max(1, Self.grain / columns), sharing: x, y
        ) { range, x, y in copy(plane, range, x, y) }
      }
    }
  }

  /// Elements below which a thread of its own costs more than it saves.
  private static let grain = 1 << 14
}
