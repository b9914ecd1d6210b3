import Testing

@testable import TensorCore

@Suite struct ShapeTests {
  @Test func `element counts that overflow or are negative are refused`() {
    #expect(Shape.elementCount([Int.max, 2]) == nil)
    #expect(Shape.elementCount([3, -1]) == nil)
    #expect(Shape.elementCount([Int.max, 0]) == 0)
    #expect(Shape.elementCount([]) == 1)
  }

  @Test func `broadcasting follows the multidirectional rule`() {
    #expect(Shape.broadcast([8, 1, 6, 1], [7, 1, 5]) == [8, 7, 6, 5])
    #expect(Shape.broadcast([2], [3]) == nil)
  }

  @Test func `a tensor needs exactly the bytes of its shape`() {
    let storage = TensorStorage(byteCount: 12) { _ in }
    #expect(Tensor(elementType: .float32, shape: [3], storage: storage) != nil)
    #expect(Tensor(elementType: .float32, shape: [4], storage: storage) == nil)
  }
}
