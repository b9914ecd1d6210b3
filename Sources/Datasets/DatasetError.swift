import OnnxFormat
import TensorCore

/// Why data can't be used, or an output array not be written.
public enum DatasetError: Error, Sendable, Hashable {
  /// The operating system refused to open, read or write.
  case file(FileError)
  /// A TensorProto file can't be read.
  case tensorFile(FormatError)
  /// A device, pipe or socket.
  case notRegularFile(path: String)
  /// Nothing in the file or folder is of a kind that the loaders know.
  case unrecognized(path: String)
  /// Several data sets lie in one folder; one of `choices` must be named.
  case ambiguous(path: String, choices: [String])
  case empty(path: String, what: String)
  case truncated(path: String, needed: Int, available: Int)
  /// A field of the file contradicts its format or the rest of the file.
  case malformed(path: String, format: DataFormat, field: String, expected: String, actual: String)
  /// A codec library refused the content with `message`.
  case codec(path: String, format: DataFormat, message: String)
  /// Valid content that the loaders do not cover.
  case unsupported(path: String, format: DataFormat, feature: String)
  case missingEntry(path: String, entry: String, found: [String])
  /// A job needs labels or targets that the data does not have.
  case noReference(path: String, needed: DatasetReference)
  case elementType(path: String, field: String, expected: String, actual: String)
  case shape(path: String, field: String, expected: String, actual: [Int])
  case nonFinite(path: String, field: String, sample: Int)
  case labelOutOfRange(path: String, sample: Int, label: Int, classes: Int?)
  case sampleCount(path: String, field: String, expected: Int, actual: Int)
  case imageSize(path: String, input: String, width: Int, height: Int, expected: String)
  case imageTooLarge(path: String, width: Int, height: Int, limit: Int)
  /// More bytes than this machine's memory can be expected to hold.
  case tooLarge(path: String, bytes: Int, limit: Int)
  /// Compressed bytes that would become implausibly many.
  case inflation(path: String, bytes: Int, compressed: Int, limit: Int)
  /// Samples of different shapes were asked for as one batch.
  case mixedShapes(path: String, first: [Int], other: [Int])
  /// The model's input does not hold 32-bit floats.
  case inputType(path: String, input: String, type: String)
  /// The model's input can't take images.
  case imageInput(path: String, input: String, type: String)
  /// A normalisation that doesn't fit the model's input.
  case normalization(parameter: String, expected: String, actual: String)
  /// A super-resolution scale or crop that can't be applied.
  case superResolution(path: String, requirement: String, actual: String)
  /// Samples that `item` of an augmentation can't be applied to.
  case augmentation(path: String, item: String, reason: String)
  /// A model's outputs and the reference they are compared with don't fit.
  case outputShape(expected: String, actual: [Int])
}

extension DatasetError {
  /// True where an output can't be written, false where an input can't be used.
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
