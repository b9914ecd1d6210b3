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
  /// - Throws: ``OperatorError/unsupported(what:)`` for element types without whole bytes.
  init(_ type: ElementType, shape: [Int], source: [Int], offset: Int = 0) throws(KernelError) {
    guard let bits = type.bitWidth, bits % 8 == 0 else {
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
    nonisolated(unsafe) let x = UnsafeRawPointer(source + offset * elementSize)
    nonisolated(unsafe) let y = UnsafeMutableRawPointer(destination)
    let length = shape.last ?? 1
    let rows = shape.dropLast().reduce(1, *)
    guard length > 0, rows > 0 else { return }
    let step = strides.last ?? 1
    Parallelism.forEachRange(count: rows, grain: max(1, 1 << 14 / length)) {
      for row in $0 {
        var rest = row
        var start = 0
        for axis in shape.indices.dropLast().reversed() {
          let (quotient, remainder) = rest.quotientAndRemainder(dividingBy: shape[axis])
          start += remainder * strides[axis]
          rest = quotient
        }
        copyRow(x + start * elementSize, y + row * length * elementSize, length, step)
      }
    }
  }

  private func copyRow(
    _ x: UnsafeRawPointer, _ y: UnsafeMutableRawPointer, _ length: Int, _ step: Int
  ) {
    func copy<T: BitwiseCopyable>(_ type: T.Type) {
      let (from, to) = (x.assumingMemoryBound(to: type), y.assumingMemoryBound(to: type))
      for i in 0..<length { to[i] = from[i * step] }
    }
    if step == 1 {
      y.copyMemory(from: x, byteCount: length * elementSize)
      return
    }
    switch elementSize {
    case 1: copy(UInt8.self)
    case 2: copy(UInt16.self)
    case 4: copy(UInt32.self)
    case 8: copy(UInt64.self)
    default:
      for i in 0..<length {
        (y + i * elementSize).copyMemory(from: x + i * step * elementSize, byteCount: elementSize)
      }
    }
  }
}
