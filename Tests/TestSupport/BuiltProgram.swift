import Foundation

/// Programs of this package that were built beside the test bundle.
package enum BuiltProgram {
  /// Where a program of that name lies; the path beside the bundle where there is none.
  package static func url(_ name: String) -> URL {
    let running = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
    var folder = running
    // The test bundle is a file on Linux and a folder of folders on macOS.
    while folder.path != "/" {
      let candidate = folder.appending(path: name)
      var isFolder: ObjCBool = false
      if FileManager.default.fileExists(atPath: candidate.path, isDirectory: &isFolder),
        !isFolder.boolValue
      {
        return candidate
      }
      folder.deleteLastPathComponent()
    }
    return running.appending(path: name)
  }
}
