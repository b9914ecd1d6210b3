import GraphIR
import TestSupport

@testable import OnnxFormat

extension ModelBytes {
  func read(folder: String? = nil) throws(FormatError) -> Model {
    try OnnxReader.read(bytes: bytes, folder: folder, resolver: OpaqueResolver())
  }

  /// What is wrong with the model, or `nil` where it can be read.
  func problem(folder: String? = nil) -> FormatProblem? {
    do throws(FormatError) {
      _ = try read(folder: folder)
      return nil
    } catch {
      return error.problem
    }
  }
}

/// What is wrong with the bytes of a model, or `nil` where they can be read.
func problem(_ bytes: [UInt8]) -> FormatProblem? {
  do throws(FormatError) {
    _ = try OnnxReader.read(bytes: bytes, resolver: OpaqueResolver())
    return nil
  } catch {
    return error.problem
  }
}
