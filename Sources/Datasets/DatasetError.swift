import OnnxFormat
import TensorCore

/// Why data can't be used, or an output array can't be written.
public enum DatasetError: Error, Sendable, Hashable {
  /// The operating system refused to open, read or write.
  case file(FileError)
  /// A TensorProto file can't be read.
  case tensorFile(FormatError)
  /// The path names a device, pipe or socket.
  case notRegularFile(path: String)
  /// Nothing in the file or folder is of a kind that the loaders know.
  case unrecognized(path: String)
  /// A folder holds several data sets, of which one of `choices` must be named.
  case ambiguous(path: String, choices: [String])
  /// There are no samples where some are needed.
  case empty(path: String, what: String)
  /// A file holds fewer bytes than it claims.
  case truncated(path: String, needed: Int, available: Int)
  /// A field of the file contradicts its format or the rest of the file.
  case malformed(path: String, format: DataFormat, field: String, expected: String, actual: String)
  /// A codec library refused the content, with `message`.
  case codec(path: String, format: DataFormat, message: String)
  /// The content is valid but has a feature that the loaders don't support.
  case unsupported(path: String, format: DataFormat, feature: String)
  /// A file or folder lacks an entry that the model needs.
  case missingEntry(path: String, entry: String, found: [String])
  /// A job needs labels or targets that the data doesn't have.
  case noReference(path: String, needed: DatasetReference)
  /// An array has an element type that can't be used.
  case elementType(path: String, field: String, expected: String, actual: String)
  /// The shape of an array doesn't fit the model's.
  case shape(path: String, field: String, expected: String, actual: [Int])
  /// A sample holds NaN or an infinity.
  case nonFinite(path: String, field: String, sample: Int)
  /// A label is negative or not one of the model's classes.
  case labelOutOfRange(path: String, sample: Int, label: Int, classes: Int?)
  /// Arrays that belong together hold different numbers of samples.
  case sampleCount(path: String, field: String, expected: Int, actual: Int)
  /// The size of an image doesn't fit the model's input.
  case imageSize(path: String, input: String, width: Int, height: Int, expected: String)
  /// An image has more pixels than are decoded.
  case imageTooLarge(path: String, width: Int, height: Int, limit: Int)
  /// The data needs more bytes than this machine's memory can be expected to hold.
  case tooLarge(path: String, bytes: Int, limit: Int)
  /// Compressed data claims to hold an implausible number of bytes.
  case inflation(path: String, bytes: Int, compressed: Int, limit: Int)
  /// Samples of different shapes were requested as one batch.
  case mixedShapes(path: String, first: [Int], other: [Int])
  /// A constant input doesn't fit the model.
  case constant(name: String, problem: String)
  /// The model's input can't take images.
  case imageInput(path: String, input: String, type: String)
  /// The normalization doesn't fit the model's input.
  case normalization(parameter: String, expected: String, actual: String)
  /// A scale or crop of super-resolution can't be applied.
  case superResolution(path: String, requirement: String, actual: String)
  /// An item of the augmentation can't be applied to the samples.
  case augmentation(path: String, item: String, reason: String)
  /// A model's outputs don't fit the reference with which they are compared.
  case outputShape(expected: String, actual: [Int])
}

extension DatasetError {
  /// Whether an output can't be written, rather than an input not be used.
  public var isOutput: Bool {
    if case .file(let error) = self { error.operation == .write } else { false }
  }
}

/// A file format that the loaders read.
public enum DataFormat: String, Sendable, Hashable {
  case jpeg = "JPEG"
  case png = "PNG"
  case npy = ".npy"
  case npz = ".npz"
  case gzip
  case idx = "IDX"
  case cifar = "CIFAR-10"
  case tensorProto = "TensorProto"
  case image
  case imageFolder = "image folder"
}
