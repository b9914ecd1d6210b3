import TensorCore

/// The entries of a folder.
struct Folder {
  struct Entry: Hashable {
    var name: String
    var isFolder: Bool
  }

  let path: String
  /// The entries without hidden ones, sorted by the bytes of their names, which is the order of code points.
  let entries: [Entry]

  init(_ path: String) throws(DatasetError) {
    guard let stream = opendir(path) else { throw .file(FileError(.read, path, code: errno)) }
    defer { closedir(stream) }
    var entries: [Entry] = []
    while true {
      errno = 0
      guard let entry = readdir(stream) else {
        if errno != 0 { throw .file(FileError(.read, path, code: errno)) }
        break
      }
      let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name.hasPrefix(".") { continue }
      switch Int(entry.pointee.d_type) {
      case Int(DT_DIR): entries.append(Entry(name: name, isFolder: true))
      case Int(DT_REG): entries.append(Entry(name: name, isFolder: false))
      default:
        switch PathKind(path + "/" + name) {
        case .folder: entries.append(Entry(name: name, isFolder: true))
        case .file: entries.append(Entry(name: name, isFolder: false))
        case .other, .missing: continue
        }
      }
    }
    self.path = path
    self.entries = entries.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
  }

  /// The names of the files.
  var files: [String] { entries.filter { !$0.isFolder }.map(\.name) }
  /// The names of the folders.
  var folders: [String] { entries.filter(\.isFolder).map(\.name) }

  func path(of name: String) -> String { path.hasSuffix("/") ? path + name : path + "/" + name }
}

/// What is at a path, after links are followed.
enum PathKind {
  case file, folder, other, missing

  init(_ path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else {
      self = .missing
      return
    }
    switch status.st_mode & S_IFMT {
    case S_IFREG: self = .file
    case S_IFDIR: self = .folder
    default: self = .other
    }
  }
}
