extension DatasetError: CustomStringConvertible {
  /// One line that names the file and the field, and says what to do.
  public var description: String {
    switch self {
    case .file(let error): "\(error)"
    case .tensorFile(let error): "\(error)"
    case .notRegularFile(let path):
      "\(path): is neither a file nor a folder; give one of these"
    case .unrecognized(let path):
      "\(path): holds no data of a known kind; give a folder of class folders of JPEG or PNG images, "
        + "a folder of images, an .npz with 'x' (and 'y'), a folder of .npz files that are a sample each, an .npy, CIFAR-10 *.bin batches, "
        + "IDX files (*-images-idx3-ubyte) or TensorProto files (input_0.pb)"
    case .ambiguous(let path, let choices):
      "\(path): holds several data sets; give one of them: \(Self.list(choices))"
    case .empty(let path, let what):
      "\(path): \(what) is empty; at least one sample is needed"
    case .truncated(let path, let needed, let available):
      "\(path): is truncated: \(needed) bytes are needed, \(available) are there; copy it again"
    case .malformed(let path, let format, let field, let expected, let actual):
      "\(path): is not a valid \(format.rawValue) file: \(field) is \(actual), expected \(expected)"
    case .codec(let path, let format, let message):
      "\(path): is not a valid \(format.rawValue) file: \(message); replace or remove it"
    case .unsupported(let path, let format, let feature):
      "\(path): \(format.rawValue) with \(feature) is not supported; convert it"
    case .missingEntry(let path, let entry, let found):
      "\(path): has no '\(entry)'; found: \(found.isEmpty ? "nothing" : Self.list(found))"
    case .noReference(let path, let needed):
      "\(path): has no \(needed == .labels ? "labels" : "targets"), which this needs; give "
        + (needed == .labels ? "class folders of images, or " : "") + "an .npz with 'x' and 'y'"
    case .elementType(let path, let field, let expected, let actual):
      "\(path): '\(field)' holds \(actual); expected \(expected): convert it"
    case .shape(let path, let field, let expected, let actual):
      "\(path): '\(field)' is \(Self.shape(actual)); the model needs \(expected)"
    case .nonFinite(let path, let field, let sample):
      "\(path): '\(field)' holds NaN or an infinity in sample \(sample); remove it"
    case .labelOutOfRange(let path, let sample, let label, let classes?):
      "\(path): sample \(sample) has label \(label), outside 0..<\(classes), the model's classes"
    case .labelOutOfRange(let path, let sample, let label, nil):
      "\(path): sample \(sample) has label \(label); labels count from 0"
    case .sampleCount(let path, let field, let expected, let actual):
      "\(path): '\(field)' holds \(actual) samples where \(expected) are needed, one for each input"
    case .imageSize(let path, let input, let width, let height, let expected):
      "\(path): is \(width)x\(height) pixels (width x height), but the model's input '\(input)' takes "
        + "\(expected); resize the images"
    case .imageTooLarge(let path, let width, let height, let limit):
      "\(path): is \(width)x\(height) pixels; at most \(limit) pixels are decoded"
    case .tooLarge(let path, let bytes, let limit):
      "\(path): takes \(bytes) bytes of memory; at most \(limit) are used here: split it"
    case .inflation(let path, let bytes, let compressed, let limit):
      "\(path): \(compressed) compressed bytes would become \(bytes); at most \(limit) are inflated from so "
        + "few: store it uncompressed"
    case .mixedShapes(let path, let first, let other):
      "\(path): samples of shapes \(Self.shape(first)) and \(Self.shape(other)) don't fit into one "
        + "batch; use batches of one sample"
    case .constant(let name, let problem): "--constant '\(name)': \(problem)"
    case .imageInput(let path, let input, let type):
      "\(path): holds images, but the model's input '\(input)' is \(type); these need a float input NxCxHxW or NxHxWxC with 1 or "
        + "3 channels: give the data as .npz"
    case .normalization(let parameter, let expected, let actual):
      "\(parameter): expected \(expected), found \(actual)"
    case .superResolution(let path, let requirement, let actual):
      "\(path): super-resolution needs \(requirement); found \(actual)"
    case .augmentation(let path, let item, let reason):
      "\(path): can't be augmented by '\(item)': \(reason)"
    case .outputShape(let expected, let actual):
      "the model's output is \(Self.shape(actual)); the data needs \(expected)"
    }
  }

  private static func list(_ names: [String]) -> String {
    names.prefix(8).map { "'\($0)'" }.joined(separator: ", ") + (names.count > 8 ? ", ..." : "")
  }

  static func shape(_ shape: [Int]) -> String {
    shape.isEmpty ? "a scalar" : shape.map(String.init).joined(separator: "x")
  }
}
