import Foundation
import TestSupport
import Testing

@testable import Training

@Suite struct CheckpointLockTests {
  @Test func `one at a time has a folder, and the other is told who`() throws {
    let folder = try TemporaryFolder()
    let states = folder.path("states")
    do {
      let lock = try CheckpointLock(folder: states)
      let process = Int(getpid())
      #expect(throws: CheckpointError.inUse(folder: states, process: process)) {
        try CheckpointLock(folder: states)
      }
      withExtendedLifetime(lock) {}
    }
    _ = try CheckpointLock(folder: states)
  }

  @Test func `a lock that somebody put there as a link is not followed`() throws {
    let folder = try TemporaryFolder()
    let precious = try folder.write([1, 2, 3], to: "precious")
    try FileManager.default.createDirectory(
      atPath: folder.path("states"), withIntermediateDirectories: true)
    try FileManager.default.createSymbolicLink(
      atPath: folder.path("states/.lock"), withDestinationPath: precious)
    #expect(throws: CheckpointError.self) { try CheckpointLock(folder: folder.path("states")) }
    #expect(FileManager.default.contents(atPath: precious) == Data([1, 2, 3]))
  }
}
