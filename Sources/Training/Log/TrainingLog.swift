import TensorCore

/// One log file of a training, written a row at a time.
///
/// A run that resumes continues after the row of its checkpoint, so that the file ends up with the rows of an
/// undisturbed run, apart from ``TrainingRecord/samplesPerSecond``. For that, the rows up to a step are appended and
/// synchronized before the checkpoint of that step is saved.
package final class TrainingLog {
  package let path: String
  package let format: TrainingLogFormat
  private let file: AppendedFile

  /// Starts a new log; whatever was at the path is lost.
  ///
  /// - Throws: ``TrainingLogError/file(_:)``.
  package init(path: String, format: TrainingLogFormat) throws(TrainingLogError) {
    self.path = path
    self.format = format
    file = try TrainingLogError.wrapping { () throws(FileError) in
      let file = try AppendedFile(path: path, keeping: 0)
      try file.append(format.heading)
      return file
    }
  }

  /// Continues the log of a run that resumes after a step; starts a new log where the file is missing.
  ///
  /// Rows of later steps are cut off, and so is a last line that was not written to its end.
  ///
  /// - Parameter kept: receives the rows that stay, for the plot.
  /// - Throws: ``TrainingLogError`` where the file holds something else, in which case it stays as it is, or can't be
  ///   read or written.
  package init(
    resuming path: String, format: TrainingLogFormat, after step: Int,
    kept: inout [TrainingRecord]
  ) throws(TrainingLogError) {
    self.path = path
    self.format = format
    var content: [UInt8] = []
    if (try? FilePath.resolved(path)) != nil {
      content = try TrainingLogError.wrapping { () throws(FileError) in
        let file = try InputFile(path: path)
        // A pipe or device keeps no rows, and reading it might never end.
        return file.size == nil ? [] : try file.readAll()
      }
    }
    let (length, records) = try Self.rows(content, format: format, upTo: step, path: path)
    kept = records
    file = try TrainingLogError.wrapping { () throws(FileError) in
      let file = try AppendedFile(path: path, keeping: length)
      if length == 0 { try file.append(format.heading) }
      return file
    }
  }

  /// Writes a row, which has reached the system when this returns.
  ///
  /// - Throws: ``TrainingLogError/file(_:)``.
  package func append(_ record: TrainingRecord) throws(TrainingLogError) {
    try TrainingLogError.wrapping(try file.append(format.line(record)))
  }

  /// Waits until the disk has every row; called before a checkpoint is saved.
  ///
  /// - Throws: ``TrainingLogError/file(_:)``.
  package func synchronize() throws(TrainingLogError) {
    try TrainingLogError.wrapping(try file.synchronize())
  }

  /// The rows up to a step, and the number of bytes that they and the heading take.
  private static func rows(
    _ content: [UInt8], format: TrainingLogFormat, upTo step: Int, path: String
  ) throws(TrainingLogError) -> (length: Int, records: [TrainingRecord]) {
    var start = 0
    var number = 0
    var records: [TrainingRecord] = []
    while let end = content[start...].firstIndex(of: UInt8(ascii: "\n")) {
      let line = String(decoding: content[start..<end], as: UTF8.self)
      number += 1
      if number == 1, !format.heading.isEmpty {
        guard line + "\n" == format.heading else { throw .foreign(path: path, line: number) }
      } else {
        guard let record = format.record(line[...]) else {
          throw .foreign(path: path, line: number)
        }
        if record.step > step { return (start, records) }
        records.append(record)
      }
      start = end + 1
    }
    // A line without its end is what an interrupted write leaves, unless the file was never a log.
    if number == 0, !content.isEmpty {
      let known = format == .csv ? format.heading : #"{"step":"#
      let common = zip(content, known.utf8).allSatisfy { $0 == $1 }
      guard common, format == .jsonLines || content.count < known.utf8.count else {
        throw .foreign(path: path, line: 1)
      }
    }
    return (start, records)
  }
}
