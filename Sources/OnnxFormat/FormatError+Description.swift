import TensorCore

extension FormatError: CustomStringConvertible {
  /// One line that names the file, what is wrong in it, and what to do.
  public var description: String {
    switch problem {
    case .cannotRead, .cannotWrite: "\(problem)".singleLine
    default: "\(file): \(problem)".singleLine
    }
  }
}

extension FormatProblem: CustomStringConvertible {
  public var description: String {
    switch self {
    case .cannotRead(let error), .cannotWrite(let error): "\(error)"
    case .empty: "the file is empty; write the model again"
    case .fileSize(let limit):
      "the file has more than \(limit >> 20) MiB, the limit of its format; export the model again "
        + "with external data"
    case .foreign(let kind): kind.message
    case .truncated(let field, let offset, let missing):
      "the file is truncated: \(field) at byte \(offset) needs \(missing) more bytes; "
        + "copy or export it again"
    case .malformed(let field, let offset, let fault):
      "not a valid ONNX file: \(field) at byte \(offset) \(fault); copy or export it again"
    case .tooDeep(let limit):
      "messages are nested more than \(limit) deep; simplify the model's subgraphs"
    case .tooLarge(let limit):
      "decoding takes more than \(limit >> 20) MiB, which no model of this size needs; "
        + "export it again"
    case .noGraph: "the file has no graph, so it is not an ONNX model; export it again"
    case .irVersion(nil): "field ir_version is missing; export the model again"
    case .irVersion(let version?):
      "IR version \(version) is not supported; convert the model to IR version 3 or later"
    case .noStandardOpset:
      "opset_import has no version of the standard domain; export the model with opset 7 or later"
    case .opset(let domain, let version):
      domain.isEmpty
        ? "opset \(version) is not supported; convert the model to opset 7 or later"
        : "opset_import: version \(version) of domain '\(domain)' is not valid"
    case .repeatedOpset(let domain):
      "opset_import: domain '\(domain)' is imported at two versions; keep one"
    case .missingField(let owner, let field): "\(owner): field \(field) is missing"
    case .duplicateValue(let name, let definitions):
      "value '\(name)' is defined by \(definitions.joined(separator: " and by ")); rename one"
    case .contradictoryType(let name, let types):
      "value '\(name)' is stated to be \(types.joined(separator: " and to be ")); "
        + "remove the statement that is wrong"
    case .graph(let error): "\(error)"
    case .attribute(let node, let name, let fault): "node '\(node)': attribute '\(name)' \(fault)"
    case .tensor(let name, let fault): "tensor '\(name)': \(fault)"
    case .valueCount(let limit): "the graph has more than \(limit) values"
    case .function(let name, let fault): "function '\(name)' \(fault)"
    case .capturedName(let node, let name):
      "node '\(node)': its subgraph reads value '\(name)', which has another name now"
    case .internalOperator(let node, let type):
      "node '\(node)': operator '\(type)' is for computing alone and can't be written; "
        + "write the model that the graph was made from"
    }
  }
}

extension FileKind {
  fileprivate var message: String {
    switch self {
    case .text: "this is a text file, not an ONNX model"
    case .zip:
      "this is a zip archive, not an ONNX model; export a PyTorch checkpoint with torch.onnx.export"
    case .gzip: "this is a gzip file, not an ONNX model; unpack it first"
    case .hdf5: "this is an HDF5 file, not an ONNX model; convert a Keras model with tf2onnx"
    case .tensorFlowLite:
      "this is a TensorFlow Lite model, not an ONNX model; convert it with tf2onnx"
    case .numpy: "this is a NumPy array, not an ONNX model"
    case .image: "this is an image, not an ONNX model"
    case .unknown: "this is not an ONNX model"
    }
  }
}

extension FunctionFault: CustomStringConvertible {
  public var description: String {
    switch self {
    case .repeated: "is defined twice; rename one"
    case .tooDeep(let limit):
      "is called through more than \(limit) others; export the model again"
    case .recursive: "calls itself, which ONNX forbids; export the model again"
    case .arity(let node, let inputs, let outputs):
      "has \(inputs) inputs and \(outputs) outputs, fewer than node '\(node)' gives it"
    case .tooLarge(let limit):
      "is called so often that its bodies exceed \(limit) nodes, inputs and outputs; export the model again"
    }
  }
}

extension WireFault: CustomStringConvertible {
  public var description: String {
    switch self {
    case .varint: "has a number of more than 64 bits"
    case .fieldNumber: "has an invalid field number"
    case .group: "has an unsupported wire type"
    case .length: "is longer than what contains it"
    case .wireType(let expected): "is not encoded as \(expected)"
    case .repeated: "is given more than once"
    case .zeroByte: "contains a zero byte"
    case .schema: "does not follow the schema"
    }
  }
}

extension AttributeFault: CustomStringConvertible {
  public var description: String {
    switch self {
    case .repeated: "is given more than once"
    case .noContent(let type): "is declared as \(type) and has no content"
    case .unknownType(let type): "has the unknown type \(type)"
    case .contentOfOtherType(let declared, let found):
      "is declared as \(declared) but holds \(found)"
    case .reference(let parameter):
      "refers to the parameter '\(parameter)', which only a function has"
    }
  }
}

extension TensorFault: CustomStringConvertible {
  public var description: String {
    switch self {
    case .noElementType: "field data_type is missing"
    case .unknownElementType(let type): "element type \(type) is not supported"
    case .negativeDimension(let axis, let size): "dimension \(axis) is \(size)"
    case .tooManyElements(let shape):
      "shape \(shape.map(\.description).joined(separator: "x")) has too many elements"
    case .byteCount(let expected, let actual):
      "its shape needs \(expected) bytes of data, found \(actual)"
    case .elementCount(let field, let expected, let actual):
      "its shape needs \(expected) entries in \(field), found \(actual)"
    case .severalDataFields(let fields):
      "data stands in \(fields.joined(separator: " and in ")); only one may be used"
    case .wrongDataField(let field, let type):
      "\(field) can't hold elements of type \(type.onnxName)"
    case .segmented: "tensors in segments are not supported"
    case .external(let fault): "external data: \(fault)"
    }
  }
}

extension ExternalDataFault: CustomStringConvertible {
  public var description: String {
    switch self {
    case .noLocation: "the location is missing"
    case .noFolder: "a model given as bytes has no folder to read it from"
    case .outsideFolder(let location):
      "'\(location)' lies outside the model's folder; move it beside the model"
    case .cannotRead(let error): "\(error)"
    case .number(let key, let value): "\(key) '\(value)' is not a valid number"
    case .length(let expected, let actual):
      "length is \(actual), but its shape needs \(expected) bytes"
    case .pastEnd(let location, let offset, let length, let fileSize):
      "'\(location)' has \(fileSize) bytes, but \(length) bytes from offset \(offset) are needed"
    }
  }
}
