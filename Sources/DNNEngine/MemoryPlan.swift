/// Places buffers in one arena so that those that live at the same time don't overlap.
///
/// The method is greedy by size: the largest buffer comes first, and each gets the lowest offset that is free for its
/// whole life.
package struct MemoryPlan: Sendable {
  /// A buffer and the steps from its first write to its last read.
  package struct Request: Sendable, Hashable {
    package var byteCount: Int
    package var first: Int
    package var last: Int

    package init(byteCount: Int, first: Int, last: Int) {
      self.byteCount = byteCount
      self.first = first
      self.last = last
    }
  }

  /// The offset of each request in bytes, in the order of the requests; a multiple of ``alignment``.
  package let offsets: [Int]
  package let byteCount: Int

  package static let alignment = 64

  /// - Throws: ``EngineError/memory(bytes:)`` where sizes overflow.
  package init(_ requests: [Request]) throws(EngineError) {
    var offsets = [Int](repeating: 0, count: requests.count)
    var placed: [Int] = []
    var end = 0
    let order = requests.indices.sorted {
      (requests[$1].byteCount, $0) < (requests[$0].byteCount, $1)
    }
    for index in order {
      let request = requests[index]
      var offset = 0
      // `placed` is sorted by offset, so the first gap found is the lowest.
      for other in placed
      where requests[other].first <= request.last && request.first <= requests[other].last {
        if offset + request.byteCount <= offsets[other] { break }
        offset = max(offset, offsets[other] + Self.rounded(requests[other].byteCount))
      }
      let (limit, overflow) = offset.addingReportingOverflow(request.byteCount)
      guard !overflow, limit <= Int.max - Self.alignment else {
        throw .memory(bytes: request.byteCount)
      }
      offsets[index] = offset
      end = max(end, limit)
      let position = placed.firstIndex { offsets[$0] > offset } ?? placed.count
      placed.insert(index, at: position)
    }
    self.offsets = offsets
    byteCount = end
  }

  private static func rounded(_ size: Int) -> Int {
    (size + alignment - 1) / alignment * alignment
  }
}
