import Reporting
import TensorCore
import Training

/// The folder that a sweep writes to, which one process has at a time.
///
/// `sweep.json` holds all that is known and is replaced as a whole after each point, so that a sweep that was ended at any
/// instant goes on from there. The other files follow from it.
struct SweepFolder {
  let path: String
  private let lock: CheckpointLock

  /// Takes the folder, which is made where it is missing.
  ///
  /// - Throws: ``SnugError`` while another process has it, and where it can't be made.
  init(_ path: String) throws(SnugError) {
    do { lock = try CheckpointLock(folder: path) } catch {
      switch error {
      case .inUse(let folder, let process): throw .sweepInUse(folder: folder, process: process)
      case .file(let error): throw .file(error)
      default: throw .training(file: path, .checkpoint(error))
      }
    }
    self.path = path
  }

  /// The files that a sweep may write to a folder.
  static func files(in folder: String) -> [String] {
    ["sweep.json", "sweep.csv", "sweep.svg", "sweep.html", "recommended.sh", recommendedName].map {
      "\(folder)/\($0)"
    }
  }

  static let recommendedName = "recommended.onnx"
  var recommended: String { "\(path)/\(Self.recommendedName)" }
  private static let stateLimit = 1 << 28

  /// The folder of a point's training states.
  func states(of point: SweepPoint) -> String {
    let setting = point.setting
    let bits = setting.accumulatorBits.map { "-p\($0)" } ?? ""
    return
      "\(path)/states/\(setting.method)-w\(setting.weightBits)a\(setting.activationBits)\(bits)-seed\(point.seed)"
  }

  /// What an earlier run has left; `nil` where there is none.
  ///
  /// - Parameter identity: what it must have in common with this one.
  /// - Throws: ``SnugError`` where the file is of another sweep, or can't be read.
  func known(_ identity: JSONValue) throws(SnugError) -> JSONValue? {
    let file = "\(path)/sweep.json"
    let bytes: [UInt8]
    do { bytes = try InputFile(path: file).readAll(limit: Self.stateLimit) } catch {
      if error.code == ENOENT { return nil }
      throw .file(error)
    }
    let document: JSONValue
    do { document = try JSONValue(parsing: String(decoding: bytes, as: UTF8.self)) } catch {
      throw .sweepState(file: file, "\(error)")
    }
    guard SweepResult.rows(in: document) != nil, let known = document["identity"] else {
      throw .sweepState(file: file, "it is not a file of 'snug sweep' of this version")
    }
    let (old, new) = (known.objectValue ?? [], identity.objectValue ?? [])
    for key in (old + new).map(\.key) where known[key] != identity[key] {
      throw .otherSweep(folder: path, key: key)
    }
    return document
  }

  /// Writes what is known so far.
  func write(_ result: SweepResult) throws(SnugError) {
    try OutputFile.write(result.json.text(indentation: 1) + "\n", to: "\(path)/sweep.json")
    try OutputFile.write(result.csv, to: "\(path)/sweep.csv")
  }

  /// Writes what follows from the whole.
  func finish(_ result: SweepResult) throws(SnugError) {
    try write(result)
    try OutputFile.write(result.svg, to: "\(path)/sweep.svg")
    try OutputFile.write(result.html, to: "\(path)/sweep.html")
    if let recommendation = result.recommendation {
      try OutputFile.write(recommendation.command + "\n", to: "\(path)/recommended.sh")
    }
  }
}
