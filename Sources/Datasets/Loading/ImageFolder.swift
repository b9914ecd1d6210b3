import TensorCore

/// Image files below a folder, as torchvision's `ImageFolder` lists them.
struct ImageFolder {
  var paths: [String] = []
  /// The label of each image, where the images lie in class folders.
  var labels: [Int]?
  var classNames: [String]?

  /// The number of levels of folders that are searched below a class folder.
  private static let depthLimit = 8
  /// The names of folders that hold parts of a data set, not classes.
  private static let splits: Set = ["train", "test", "val", "valid", "validation"]

  /// - Parameter prefersClasses: whether folders beside images are taken for classes, rather than ignored.
  init(_ folder: Folder, prefersClasses: Bool) throws(DatasetError) {
    let direct = folder.files.filter(Self.isImage)
    let folders = folder.folders
    if folders.isEmpty || (!direct.isEmpty && !prefersClasses) {
      paths = direct.map(folder.path(of:))
      return
    }
    if direct.isEmpty, folders.allSatisfy({ Self.splits.contains($0.lowercased()) }) {
      throw .ambiguous(path: folder.path, choices: folders)
    }
    var labels: [Int] = []
    for (label, name) in folders.enumerated() {
      let images = try Self.images(below: folder.path(of: name), depth: 0)
      paths += images
      labels += Array(repeating: label, count: images.count)
    }
    // A folder without any image holds something else altogether.
    guard !paths.isEmpty else { return }
    if let empty = folders.indices.first(where: { !labels.contains($0) }) {
      throw .empty(path: folder.path(of: folders[empty]), what: "the class folder")
    }
    self.labels = labels
    classNames = folders
  }

  static func isImage(_ name: String) -> Bool {
    let name = name.lowercased()
    return name.hasSuffix(".jpg") || name.hasSuffix(".jpeg") || name.hasSuffix(".png")
  }

  private static func images(below path: String, depth: Int) throws(DatasetError) -> [String] {
    let folder = try Folder(path)
    var result = folder.files.filter(isImage).map(folder.path(of:))
    guard depth < depthLimit else { return result }
    for name in folder.folders {
      result += try images(below: folder.path(of: name), depth: depth + 1)
    }
    return result
  }
}
