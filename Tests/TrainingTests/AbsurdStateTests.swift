import Foundation
import TensorCore
import TestSupport
import Testing

@testable import Training

/// States whose checksum is right and whose content can't be.
@Suite struct AbsurdStateTests {
  /// A run that was stopped in its second epoch, whose state has everything that one can have.
  private let toy: ToyTraining

  init() throws {
    toy = try ResumeTests.full()
    try toy.runInterrupted(after: 5)
  }

  /// Rewrites the state with a changed header and changed arrays.
  private func rewrite(
    _ change: (inout CheckpointHeader) -> Void = { _ in },
    arrays changeArrays: (inout [String: [Float]]) -> Void = { _ in }
  ) throws {
    let store = try CheckpointStore(folder: toy.checkpoints)
    let reader = try CheckpointReader(path: toy.state)
    var header = reader.header
    var buffers: [(name: String, values: UnsafeMutableBufferPointer<Float>)] = []
    for entry in reader.entries {
      let values = UnsafeMutableBufferPointer<Float>.allocate(capacity: entry.count)
      values.initialize(repeating: 0)
      buffers.append((entry.name, values))
    }
    defer { for buffer in buffers { buffer.values.deallocate() } }
    try reader.read(into: buffers.map { NamedArray($0.name, $0.values) })
    change(&header)
    var arrays = Dictionary(uniqueKeysWithValues: buffers.map { ($0.name, Array($0.values)) })
    changeArrays(&arrays)
    for buffer in buffers {
      _ = buffer.values.update(fromContentsOf: arrays[buffer.name] ?? [])
    }
    try store.save(header, buffers.map { NamedArray($0.name, $0.values) }, as: .latest)
  }

  /// What resuming throws.
  private func error() -> CheckpointError? {
    do {
      _ = try toy.run()
      return nil
    } catch TrainingError.checkpoint(let error) {
      return error
    } catch {
      Issue.record("\(error)")
      return nil
    }
  }

  private static func setting(_ key: String, _ value: JSONValue) -> (inout CheckpointHeader) -> Void
  {
    {
      let members = ($0.extra.objectValue ?? []).filter { $0.key != key }
      $0.extra = .object(members + [JSONMember(key, value)])
    }
  }

  @Test func `an unchanged state resumes`() throws {
    try rewrite()
    #expect(error() == nil)
  }

  @Test(arguments: [Int.max, Int.max - 1, 1 << 60, 1 << 40, 6, -1])
  func `a count that the data contradicts is refused by name`(count: Int) throws {
    let counts: [(WritableKeyPath<TrainingPosition, Int>, String)] = [
      (\.step, "step"), (\.epoch, count > 1 << 48 || count < 0 ? "epoch" : "step"),
      (\.batch, "batch"),
    ]
    for (path, field) in counts {
      let state = try Data(contentsOf: URL(filePath: toy.state))
      try rewrite { $0.position[keyPath: path] = count }
      #expect(error() == .malformed(path: toy.state, field: field))
      try state.write(to: URL(filePath: toy.state))
    }
  }

  @Test(arguments: [
    ("steps", JSONValue.integer(.max)), ("epoch_steps", .integer(-1)),
    ("epochs_without", .integer(.max)), ("loss", .string("nan")), ("epoch_sum", .bool(true)),
    ("last_metric", .array([])), ("reference", .string("")),
  ])
  func `an absurd sum or count is refused by name`(key: String, value: JSONValue) throws {
    try rewrite(Self.setting(key, value))
    #expect(error() == .malformed(path: toy.state, field: "extra.\(key)"))
  }

  @Test(arguments: [Float.nan, .infinity])
  func `a state with values that aren't finite is refused by the array's name`(value: Float) throws
  {
    try rewrite(arrays: { $0["parameters"]?[7] = value })
    let error = error()
    #expect(error == .nonFinite(path: toy.state, name: "parameters", element: 7))
    #expect(
      error?.description
        == "\(toy.state): is corrupt: 'parameters' holds NaN or an infinity at element 7; copy it again, or remove it to start anew"
    )
  }

  @Test func `the epoch of the best metric can't be absurd either`() throws {
    try rewrite { $0.bestEpoch = .max }
    #expect(error() == .malformed(path: toy.state, field: "best_epoch"))
  }
}
