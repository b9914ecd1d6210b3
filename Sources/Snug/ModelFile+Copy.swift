import OnnxFormat
import TensorCore

extension ModelFile {
  /// Writes a copy of the file to another path, and beside it the files with its external data under their own names.
  ///
  /// - Throws: ``SnugError`` where the file can't be read, or an output can't be written or would replace a part of the
  ///   model.
  package func copy(to output: String) throws(SnugError) {
    let external = try SnugError.wrapping(
      SnugError.format, try OnnxReader.externalFiles(path: path))
    let (from, to) = (FilePath.folder(of: path), FilePath.folder(of: output))
    var copies = external.map { file in
      (
        file,
        file.hasPrefix(from + "/")
          ? to + file.dropFirst(from.count) : to + "/" + FilePath.name(of: file)
      )
    }
    // The model comes last, since it is of no use without its data.
    copies.append((path, output))
    var paths = JobPaths()
    paths.readModel(path)
    for (_, copy) in copies { paths.write(copy, .file, as: "--output") }
    try paths.check()
    for (file, copy) in copies {
      try SnugError.wrapping(SnugError.file) { () throws(FileError) in
        let source = try InputFile(path: file)
        try FilePath.makeFolder(FilePath.folder(of: copy))
        var target = try AtomicFile(replacing: copy)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
        defer { buffer.deallocate() }
        while true {
          let count = try source.read(into: buffer)
          if count == 0 { break }
          try target.write(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        }
        try target.commit()
      }
    }
  }
}
