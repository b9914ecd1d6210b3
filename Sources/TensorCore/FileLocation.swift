#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Where a path leads, through links, `.` and `..`, whether or not something is there yet.
///
/// What exists is known by device and inode, so that hard links, folders that are mounted twice and names that
/// differ in case where that doesn't count are found to be the same; what doesn't exist by its name below the
/// deepest folder that does.
public struct FileLocation: Sendable {
  private struct Identity: Hashable {
    var device: UInt64
    var inode: UInt64

    init(_ status: stat) {
      device = UInt64(truncatingIfNeeded: status.st_dev)
      inode = UInt64(truncatingIfNeeded: status.st_ino)
    }
  }

  public enum Kind: Sendable, Hashable {
    case missing, file, folder
    /// A pipe, socket, terminal or other device.
    case special
  }

  public let kind: Kind
  /// True for `/dev/stdout`, `/dev/fd/3` and the like: a file that the process was started with.
  public let isInherited: Bool
  /// The file or folder itself.
  private let identity: Identity?
  /// The folders above it that exist, the root first.
  private let folders: [Identity]
  /// The names below these; empty for what exists.
  private let missing: [String]
  /// Whether names in the deepest folder differ by more than case.
  private let ignoresCase: Bool

  public init(_ path: String) {
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

  /// Whether both lead to one file or folder. Devices and pipes take any number of writers.
  public func isSame(as other: FileLocation) -> Bool {
    if kind == .special || other.kind == .special { return false }
    if let identity, let theirs = other.identity { return identity == theirs }
    guard identity == nil, other.identity == nil, folders.last == other.folders.last else {
      return false
    }
    return names == other.names
  }

  /// Whether the other lies somewhere below this as a folder.
  public func contains(_ other: FileLocation) -> Bool {
    if let identity { return other.folders.contains(identity) }
    guard other.identity == nil, folders.last == other.folders.last else { return false }
    return missing.count < other.missing.count && other.names.starts(with: names)
  }

  /// A link in a folder, or below it, that leads to one of some files or to a folder above it; hard links too.
  ///
  /// - Returns: the link's path and the index of what it leads to.
  public static func link(
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
      // Most entries are files that are known not to be meant by their number alone.
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

  /// As many links as the system follows.
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

  /// Whether the folder of these names is found under its name in the other case too.
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
