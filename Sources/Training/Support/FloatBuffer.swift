/// Zeroed memory for floats that stays where it is as long as the object lives.
final class FloatBuffer {
  let elements: UnsafeMutableBufferPointer<Float>

  /// Allocates memory that is aligned to a cache line, so that every vector load is aligned.
  init(count: Int) {
    let bytes = UnsafeMutableRawBufferPointer.allocate(
      byteCount: max(count, 1) * MemoryLayout<Float>.stride, alignment: 64)
    elements = UnsafeMutableBufferPointer(rebasing: bytes.bindMemory(to: Float.self)[..<count])
    elements.initialize(repeating: 0)
  }

  deinit { UnsafeMutableRawPointer(elements.baseAddress)?.deallocate() }
}
