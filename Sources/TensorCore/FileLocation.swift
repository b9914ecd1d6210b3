/// The place to which a path leads, through links, `.` and `..`, whether or not something is there yet.
///
/// An existing file or folder is identified by device and inode, so that hard links, folders that are mounted twice,
/// and names that differ only in case where case doesn't count are found to be the same. One that doesn't exist is
/// identified by its name below the deepest folder that does.
package struct FileLocation: Sendable {
  private struct Identity: Hashable {
    var device: UInt64
    var inode: UInt64

    init(_ status: stat) {
      device = UInt64(truncatingIfNeeded: status.st_dev)
      inode = UInt64(truncatingIfNeeded: status.st_ino)
    }
  }

  package enum Kind: Sendable, Hashable {
    case missing, file, folder
    /// A pipe, socket, terminal or other device.
    case special
  }

  package let kind: Kind
  /// Whether the path names a file that the process was started with, such as `/dev/stdout` or `/dev/fd/3`.
  package let isInherited: Bool
  /// The identity of the file or folder; `nil` where there is none.
  private let identity: Identity?
  /// The existing folders above it, the root first.
  private let folders: [Identity]
  /// The names below these folders; empty for what exists.
  private let missing: [String]
  /// Whether the deepest folder takes names that differ only in case for the same.
  private let ignoresCase: Bool

  package init(_ path: String) {
    let trail = Self.follow(path)
    isInherited = trail.isInherited
    var status = stat()
    if stat(path, &status) == 0 {
      identity = Identity(status)
      kind =
        switch status.st_mode & S_IFMT {
        case S_IFREG: .file
        case S_IFDIR: .folder
        default: .special
        }
    } else {
      identity = nil
      kind = .missing
    }
    missing = identity == nil ? trail.missing : []
    let above = identity == nil ? trail.existing : trail.existing.dropLast()
    var folders: [Identity] = []
    for count in 0...above.count {
      var status = stat()
      guard stat("/" + above.prefix(count).joined(separator: "/"), &status) == 0 else { break }
      folders.append(Identity(status))
    }
    self.folders = folders
    ignoresCase = missing.isEmpty ? false : Self.ignoresCase(above)
  }

  /// Whether both lead to the same file or folder. Devices and pipes, which take any number of writers, are never the
  /// same.
  package func isSame(as other: FileLocation) -> Bool {
    if kind == .special || other.kind == .special { return false }
    if let identity, let theirs = other.identity { return identity == theirs }
    guard identity == nil, other.identity == nil, folders.last == other.folders.last else {
      return false
    }
    return names == other.names
  }

  /// Whether the other place lies somewhere below this one.
  package func contains(_ other: FileLocation) -> Bool {
    if let identity { return other.folders.contains(identity) }
    guard other.identity == nil, folders.last == other.folders.last else { return false }
    return missing.count < other.missing.count && other.names.starts(with: names)
  }

  /// Finds a link in a folder, or below it, that leads to one of some files or to a folder above it. Hard links count
  /// too.
  ///
  /// - Returns: the link's path and the index of the file that it leads to; `nil` where there is no such link.
  package static func link(
    in folder: String, to files: [FileLocation], depth: Int = 4
  ) -> (path: String, index: Int)? {
    guard depth > 0, let stream = opendir(folder) else { return nil }
    defer { closedir(stream) }
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name == "." || name == ".." { continue }
      let path = "\(folder)/\(name)"
      let type = Int32(entry.pointee.d_type)
      if type == Int32(DT_DIR) {
        if let found = link(in: path, to: files, depth: depth - 1) { return found }
        continue
      }
      let inode = UInt64(truncatingIfNeeded: entry.pointee.d_ino)
      // The inode number alone rules out most entries.
      if type == Int32(DT_REG), !files.contains(where: { $0.identity?.inode == inode }) { continue }
      var status = stat()
      guard stat(path, &status) == 0 else { continue }
      let identity = Identity(status)
      if let index = files.firstIndex(where: {
        $0.kind != .special && ($0.identity == identity || $0.folders.contains(identity))
      }) {
        return (path, index)
      }
    }
    return nil
  }

  private var names: [String] { ignoresCase ? missing.map { $0.lowercased() } : missing }

  /// The number of links that the system follows.
  private static let linkLimit = 40

  /// The names from the root to where a path leads: those that exist, and those below them.
  private static func follow(_ path: String) -> (
    existing: [String], missing: [String], isInherited: Bool
  ) {
    var start = path
    if !path.hasPrefix("/"), let current = getcwd(nil, 0) {
      start = String(cString: current) + "/" + path
      free(current)
    }
    func parts(_ path: String) -> [String] {
      path.split(separator: "/").reversed().map(String.init)
    }
    var pending = parts(start)
    var (existing, missing): ([String], [String]) = ([], [])
    var links = 0
    var isInherited = false
    while let name = pending.popLast() {
      if name == "." { continue }
      if name == ".." {
        if missing.popLast() == nil { _ = existing.popLast() }
        continue
      }
      var status = stat()
      let full = "/" + (existing + [name]).joined(separator: "/")
      guard missing.isEmpty, lstat(full, &status) == 0 else {
        missing.append(name)
        continue
      }
      guard status.st_mode & S_IFMT == S_IFLNK, links < linkLimit, let target = readLink(full)
      else {
        existing.append(name)
        continue
      }
      links += 1
      if existing.first == "proc", existing.last == "fd" { isInherited = true }
      if target.hasPrefix("/") { existing = [] }
      pending += parts(target)
    }
    return (existing, missing, isInherited)
  }

  private static func readLink(_ path: String) -> String? {
    var buffer = [UInt8](repeating: 0, count: 1 << 12)
    let count = buffer.withUnsafeMutableBytes { bytes in
      bytes.bindMemory(to: CChar.self).baseAddress.map { readlink(path, $0, bytes.count) } ?? -1
    }
    return count < 0 ? nil : String(decoding: buffer.prefix(count), as: UTF8.self)
  }

  /// Whether the folder with these names is also found under its name in the other case.
  private static func ignoresCase(_ folder: some BidirectionalCollection<String>) -> Bool {
    guard let name = folder.last else { return false }
    let swapped = name.map { $0.isLowercase ? $0.uppercased() : $0.lowercased() }.joined()
    if swapped == name { return ignoresCase(folder.dropLast()) }
    let above = "/" + folder.dropLast().joined(separator: "/")
    var (one, other) = (stat(), stat())
    return stat("\(above)/\(name)", &one) == 0 && stat("\(above)/\(swapped)", &other) == 0
      && Identity(one) == Identity(other)
  }
}
