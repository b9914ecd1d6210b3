/// Memory for elements of one type that stays where it is as long as the object lives.
///
/// It begins at a multiple of 64 bytes, a cache line, so that vector loads are aligned.
package final class ScratchBuffer<Element: BitwiseCopyable> {
  package let elements: UnsafeMutableBufferPointer<Element>
  /// The address of the first element, which is valid for buffers without elements too.
  package let pointer: UnsafeMutablePointer<Element>

  /// Memory whose content is undefined.
  package init(uninitializedCount count: Int) {
    pointer = UnsafeMutableRawPointer.allocate(
      byteCount: max(count, 1) * MemoryLayout<Element>.stride,
      alignment: max(64, MemoryLayout<Element>.alignment)
    ).bindMemory(to: Element.self, capacity: max(count, 1))
    elements = UnsafeMutableBufferPointer(start: pointer, count: count)
  }

  /// Memory that holds `value` everywhere.
  package convenience init(count: Int, repeating value: Element) {
    self.init(uninitializedCount: count)
    elements.initialize(repeating: value)
  }

  deinit { UnsafeMutableRawPointer(pointer).deallocate() }
}
