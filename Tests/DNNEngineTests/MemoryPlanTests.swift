import TestSupport
import Testing

@testable import DNNEngine

@Suite struct MemoryPlanTests {
  @Test func `buffers that live one after another share memory`() throws {
    let plan = try MemoryPlan([
      .init(byteCount: 100, first: 0, last: 1), .init(byteCount: 100, first: 2, last: 3),
      .init(byteCount: 100, first: 1, last: 2),
    ])
    #expect(plan.offsets[0] == plan.offsets[1])
    #expect(plan.byteCount == 228)
  }

  @Test func `no two buffers that live at once overlap, in a thousand random plans`() throws {
    var random = SplitMix(seed: 1)
    for _ in 0..<1000 {
      let requests = (0..<12).map { _ in
        let first = Int.random(in: 0..<20, using: &random)
        return MemoryPlan.Request(
          byteCount: Int.random(in: 0...300, using: &random), first: first,
          last: first + Int.random(in: 0..<8, using: &random))
      }
      let plan = try MemoryPlan(requests)
      for (i, a) in requests.enumerated() {
        #expect(plan.offsets[i] % MemoryPlan.alignment == 0)
        #expect(plan.offsets[i] + a.byteCount <= plan.byteCount)
        for (j, b) in requests.enumerated()
        where j > i && a.first <= b.last && b.first <= a.last {
          let apart =
            plan.offsets[i] + a.byteCount <= plan.offsets[j]
            || plan.offsets[j] + b.byteCount <= plan.offsets[i]
          #expect(apart)
        }
      }
    }
  }

  @Test func `sizes that overflow are refused`() {
    #expect(throws: EngineError.self) {
      try MemoryPlan([
        .init(byteCount: .max - 10, first: 0, last: 1), .init(byteCount: 64, first: 0, last: 1),
      ])
    }
    #expect(throws: EngineError.memory(bytes: 1 << 60)) { try Arena(byteCount: 1 << 60) }
  }
}
