import GraphIR
import TensorCore

/// Why a file can't be read as ONNX, or an output can't be written.
public struct FormatError: Error, Sendable, Hashable {
  /// The file as the caller named it.
  public let file: String
  public let problem: FormatProblem

  public init(file: String, _ problem: FormatProblem) {
    self.file = file
    self.problem = problem
  }

  /// Whether an output can't be written, rather than an input not be used.
  public var isOutput: Bool {
    if case .cannotWrite = problem { true } else { false }
  }
}

/// What is wrong with a file.
public enum FormatProblem: Error, Sendable, Hashable {
  // MARK: The file as a whole
  /// The operating system refused to open or read the file.
  case cannotRead(FileError)
  case empty
  /// The file has more bytes than a protobuf message may have.
  case fileSize(limit: Int)
  /// The file is recognizably something else.
  case foreign(FileKind)
  /// The file ends before the field does.
  case truncated(field: String, offset: Int, missing: Int)
  /// The bytes of a field break the wire format or the schema.
  case malformed(field: String, offset: Int, WireFault)
  /// Messages are nested too deeply.
  case tooDeep(limit: Int)
  /// Decoding would take more memory than a file of its size can need.
  case tooLarge(limit: Int)
  case noGraph

  // MARK: Versions
  /// The IR version is missing or not supported.
  case irVersion(Int?)
  /// The model imports no version of the standard operators.
  case noStandardOpset
  /// The version of a domain is not supported.
  case opset(domain: String, version: Int)
  /// A domain is imported twice.
  case repeatedOpset(domain: String)

  // MARK: Parts of the graph
  /// A message lacks a required field.
  case missingField(owner: String, field: String)
  /// A value is defined twice.
  case duplicateValue(name: String, definitions: [String])
  /// Two statements give one value different element types or dimensions.
  case contradictoryType(name: String, types: [String])
  /// The graph has a cycle, a dangling input, or a node that its operator rejects.
  case graph(GraphError)
  case attribute(node: String, name: String, AttributeFault)
  case tensor(name: String, TensorFault)
  /// The graph has too many values.
  case valueCount(limit: Int)
  case function(name: String, FunctionFault)

  // MARK: Output
  case cannotWrite(FileError)
  /// A subgraph reads a value of the outer graph by a name that has changed.
  case capturedName(node: String, name: String)
  /// A node's operator is one of this package's own, which no file can hold.
  case internalOperator(node: String, type: String)
}

/// A kind of file that is often taken for an ONNX model.
public enum FileKind: Sendable, Hashable {
  case text, zip, gzip, hdf5, tensorFlowLite, numpy, image
  /// The file is of no recognizable kind.
  case unknown
}

/// In what way bytes break the protobuf wire format or the schema.
public enum WireFault: Sendable, Hashable {
  case varint, fieldNumber, group, length
  case wireType(expected: String)
  /// A field that may occur only once is repeated.
  case repeated
  /// A text contains a zero byte.
  case zeroByte
  case schema
}

/// What is wrong with a function of the model.
public enum FunctionFault: Error, Sendable, Hashable {
  case repeated
  /// The function calls itself.
  case recursive
  /// Functions call each other in too long a chain.
  case tooDeep(limit: Int)
  /// A call has more inputs or outputs than the function.
  case arity(node: String, inputs: Int, outputs: Int)
  /// The calls of functions become too many nodes.
  case tooLarge(limit: Int)
}

/// What is wrong with an attribute before its operator looks at it.
public enum AttributeFault: Error, Sendable, Hashable {
  case repeated
  case noContent(type: String)
  case unknownType(Int)
  /// The content is in another field than that of the declared type.
  case contentOfOtherType(declared: String, found: String)
  /// The attribute refers to a function's parameter outside a function.
  case reference(to: String)
}

/// What is wrong with a tensor.
public enum TensorFault: Error, Sendable, Hashable {
  case noElementType
  case unknownElementType(Int)
  case negativeDimension(axis: Int, size: Int64)
  /// The number of elements or bytes exceeds `Int`.
  case tooManyElements(shape: [Int])
  /// The data has another number of bytes than the type and the shape demand.
  case byteCount(expected: Int, actual: Int)
  /// A typed field has another number of elements than the shape demands.
  case elementCount(field: String, expected: Int, actual: Int)
  case severalDataFields([String])
  case wrongDataField(field: String, type: ElementType)
  case segmented
  case external(ExternalDataFault)
}

/// What is wrong with a reference to data in another file.
public enum ExternalDataFault: Error, Sendable, Hashable {
  case noLocation
  /// The model came as bytes, so that there is no folder to look in.
  case noFolder
  /// The location is absolute, leads out of the model's folder, or is a link that leaves it.
  case outsideFolder(location: String)
  case cannotRead(FileError)
  case number(key: String, value: String)
  /// The stated length is not that of the shape.
  case length(expected: Int, actual: Int)
  /// The file ends before the data does.
  case pastEnd(location: String, offset: Int, length: Int, fileSize: Int)
}
