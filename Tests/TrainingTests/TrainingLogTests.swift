import Foundation
import TensorCore
import TestSupport
import Testing

@testable import Training

private func record(_ step: Int, validation: Double? = nil) -> TrainingRecord {
  TrainingRecord(
    step: step, epoch: Double(step) / 4, learningRate: 0.1 / Double(step),
    loss: 1 / Double(step), penalty: 1e-3, gradientNorm: step % 2 == 0 ? 0.5 : nil,
    samplesPerSecond: 100, validation: validation)
}

private func text(_ path: String) throws -> String {
  try String(contentsOfFile: path, encoding: .utf8)
}

@Suite struct TrainingLogTests {
  @Test func `rows are in the file as soon as they are appended`() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("log.csv")
    let log = try TrainingLog(path: path, format: .csv)
    let heading =
      "step,epoch,learning_rate,loss,penalty,gradient_norm,samples_per_second,validation\n"
    #expect(try text(path) == heading)
    try log.append(record(4, validation: 0.75))
    #expect(try text(path) == heading + "4,1.0,0.025,0.25,0.001,0.5,100.0,0.75\n")
    try log.append(record(5))
    try log.synchronize()
    #expect(try text(path).hasSuffix("\n5,1.25,0.02,0.2,0.001,,100.0,\n"))
  }

  @Test func `JSON lines are JSON, with null for what is missing or not finite`() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("log.jsonl")
    let log = try TrainingLog(path: path, format: .jsonLines)
    var row = record(4, validation: 0.75)
    row.loss = .nan
    try log.append(row)
    try log.append(record(5))
    let lines = try text(path).split(separator: "\n").map {
      try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
    }
    #expect(lines.count == 2)
    #expect(lines[0]["step"] as? Int == 4 && lines[0]["loss"] is NSNull)
    #expect(lines[0]["validation"] as? Double == 0.75 && lines[1]["validation"] is NSNull)
    #expect(lines[1]["learning_rate"] as? Double == 0.02)
  }

  @Test(arguments: TrainingLogFormat.allCases)
  func `an interrupted and resumed run has the rows of an undisturbed one`(
    format: TrainingLogFormat
  ) throws {
    let folder = try TemporaryFolder()
    let rows = (1...10).map { record($0, validation: $0 % 4 == 0 ? 1 / Double($0) : nil) }
    let whole = try TrainingLog(path: folder.path("whole"), format: format)
    for row in rows { try whole.append(row) }

    let path = folder.path("resumed")
    let first = try TrainingLog(path: path, format: format)
    for row in rows.prefix(8) { try first.append(row) }
    // The process died while it wrote the ninth row; its last checkpoint is of step 6.
    let torn = try text(path) + format.line(rows[8]).prefix(5)
    try Data(torn.utf8).write(to: URL(filePath: path))
    var kept: [TrainingRecord] = []
    let second = try TrainingLog(resuming: path, format: format, after: 6, kept: &kept)
    #expect(kept == Array(rows.prefix(6)))
    for row in rows.dropFirst(6) { try second.append(row) }
    #expect(try text(path) == text(whole.path))
  }

  @Test(arguments: TrainingLogFormat.allCases)
  func `a resumption anywhere in a torn file keeps every whole row`(format: TrainingLogFormat)
    throws
  {
    let folder = try TemporaryFolder()
    let path = folder.path("log")
    let whole = format.heading + (1...3).map { format.line(record($0)) }.joined()
    for count in 0...whole.utf8.count {
      try Data(whole.utf8.prefix(count)).write(to: URL(filePath: path))
      var kept: [TrainingRecord] = []
      let log = try TrainingLog(resuming: path, format: format, after: 9, kept: &kept)
      for step in kept.count + 1..<4 where step <= 3 { try log.append(record(step)) }
      #expect(try text(path) == whole, "\(count) bytes")
    }
  }

  @Test(arguments: TrainingLogFormat.allCases)
  func `a missing file starts anew`(format: TrainingLogFormat) throws {
    let folder = try TemporaryFolder()
    var kept = [record(1)]
    let path = folder.path("log")
    let log = try TrainingLog(resuming: path, format: format, after: 9, kept: &kept)
    try log.append(record(10))
    #expect(kept.isEmpty)
    #expect(try text(path) == format.heading + format.line(record(10)))
  }

  @Test(arguments: ["# Notes\n", "step,epoch\n1,2\n", "# Notes", "{\"a\": 1}\n", "{\"a\""])
  func `a file that is no log is refused and stays as it is`(content: String) throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(Array(content.utf8), to: "notes")
    for format in TrainingLogFormat.allCases {
      var kept: [TrainingRecord] = []
      #expect(throws: TrainingLogError.foreign(path: path, line: 1)) {
        try TrainingLog(resuming: path, format: format, after: 9, kept: &kept)
      }
      #expect(try text(path) == content)
    }
  }

  @Test func `a bad row is named by its line`() throws {
    let folder = try TemporaryFolder()
    let content = TrainingLogFormat.csv.heading + TrainingLogFormat.csv.line(record(1)) + "x\n"
    let path = try folder.write(Array(content.utf8), to: "log")
    var kept: [TrainingRecord] = []
    #expect(throws: TrainingLogError.foreign(path: path, line: 3)) {
      try TrainingLog(resuming: path, format: .csv, after: 9, kept: &kept)
    }
  }

  @Test func `a log can go to a device, and a full disk is told`() throws {
    var kept: [TrainingRecord] = []
    let log = try TrainingLog(resuming: "/dev/null", format: .csv, after: 1, kept: &kept)
    try log.append(record(1))
    try log.synchronize()
    #expect(throws: TrainingLogError.file(FileError(.write, "/dev/full", code: ENOSPC))) {
      try TrainingLog(path: "/dev/full", format: .csv)
    }
  }
}
