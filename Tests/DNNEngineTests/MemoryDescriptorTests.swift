import COneDNN
import Testing

@testable import DNNEngine

@Suite struct MemoryDescriptorTests {
  /// A descriptor by oneDNN's name of a layout.
  static func tagged(_ shape: [Int], _ tag: dnnl_format_tag_t) throws -> MemoryDescriptor {
    try MemoryDescriptor(shape: shape, tag: tag)
  }

  @Test func `row-major memory is recognised whatever its descriptor says`() throws {
    #expect(try MemoryDescriptor(rowMajor: [2, 3, 4]).isRowMajor)
    #expect(try MemoryDescriptor(rowMajor: []).isRowMajor)
    // A single pixel: blocks of 16 channels stand one after another.
    #expect(try Self.tagged([2, 32, 1, 1], dnnl_nChw16c).isRowMajor)
    #expect(try Self.tagged([2, 3, 1, 1], dnnl_nhwc).isRowMajor)
    #expect(try !Self.tagged([2, 17, 1, 1], dnnl_nChw16c).isRowMajor)
    #expect(try !Self.tagged([2, 32, 2, 1], dnnl_nChw16c).isRowMajor)
    #expect(try !Self.tagged([2, 3, 4, 4], dnnl_nhwc).isRowMajor)
    #expect(try !MemoryDescriptor(shape: [2, 3], strides: [4, 1]).isRowMajor)
  }

  @Test func `the nest around an axis follows the layout`() throws {
    let plain = try MemoryDescriptor(rowMajor: [2, 17, 3, 4]).nest(around: 1)
    #expect(plain == .init(outer: 2, blocks: 17, inner: 12, block: 1, count: 17))
    let blocked = try Self.tagged([2, 17, 3, 4], dnnl_nChw16c).nest(around: 1)
    #expect(blocked == .init(outer: 2, blocks: 2, inner: 12, block: 16, count: 17))
    let small = try Self.tagged([2, 3, 3, 4], dnnl_nChw16c).nest(around: 1)
    #expect(small == .init(outer: 1, blocks: 1, inner: 24, block: 16, count: 3))
    let last = try Self.tagged([2, 5, 3, 4], dnnl_nhwc).nest(around: 1)
    #expect(last == .init(outer: 1, blocks: 1, inner: 24, block: 5, count: 5))
    let rows = try MemoryDescriptor(rowMajor: [4, 3, 2, 2]).nest(around: 0)
    #expect(rows == .init(outer: 1, blocks: 4, inner: 12, block: 1, count: 4))
    // Padding along another axis can't be walked.
    #expect(try Self.tagged([2, 17, 3, 4], dnnl_nChw16c).nest(around: 0) == nil)
  }

  @Test func `a permutation renames dimensions and leaves memory`() throws {
    let channelsLast = try MemoryDescriptor(rowMajor: [2, 4, 5, 3]).permuted([0, 3, 1, 2])
    #expect(channelsLast == (try Self.tagged([2, 3, 4, 5], dnnl_nhwc)))
    #expect(try channelsLast.permuted([0, 2, 3, 1]).isRowMajor)
    #expect(throws: EngineError.self) { try channelsLast.permuted([0, 0, 1, 2]) }
  }

  @Test func `a reordering into blocks and back gives the same elements`() throws {
    let engine = try Engine.shared()
    let plain = try MemoryDescriptor(rowMajor: [2, 17, 3, 3])
    let blocked = try Self.tagged([2, 17, 3, 3], dnnl_nChw16c)
    #expect(blocked.byteCount == 2 * 32 * 9 * 4 && blocked.hasPadding)
    let count = 2 * 17 * 9
    let (source, middle, result) = (
      try Arena(byteCount: count * 4), try Arena(byteCount: blocked.byteCount),
      try Arena(byteCount: count * 4)
    )
    let values = source.base.bindMemory(to: Float.self, capacity: count)
    for index in 0..<count { values[index] = Float(index) }
    for (from, to, x, y) in [
      (plain, blocked, source, middle), (blocked, plain, middle, result),
    ] {
      let primitive = try Primitive(
        try PrimitiveDescriptor.reorder(engine, from: from, to: to),
        [(.source, from), (.destination, to)])
      try primitive.point(0, at: x.base)
      try primitive.point(1, at: y.base)
      try primitive.run()
    }
    let back = result.base.bindMemory(to: Float.self, capacity: count)
    #expect((0..<count).allSatisfy { back[$0] == Float($0) })
  }

  @Test func `a failed call carries its function and status`() {
    #expect(
      throws: EngineError.call(
        function: "dnnl_memory_desc_create_with_strides", status: .invalidArguments)
    ) {
      try MemoryDescriptor(rowMajor: [Int](repeating: 1, count: 13))
    }
  }
}
