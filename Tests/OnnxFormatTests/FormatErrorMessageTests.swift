import GraphIR
import TensorCore
import Testing

@testable import OnnxFormat

/// Every message, as a user reads it behind `error:`.
@Suite struct FormatErrorMessageTests {
  static let messages: [(problem: FormatProblem, message: String)] = [
    (
      .cannotRead(FileError(.read, "m.onnx", code: 2)),
      "cannot read 'm.onnx': No such file or directory; check the path"
    ),
    (
      .cannotWrite(FileError(.write, "m.onnx", code: 28)),
      "cannot write 'm.onnx': No space left on device; make room on the disk"
    ),
    (.empty, "m.onnx: the file is empty; write the model again"),
    (
      .fileSize(limit: 1 << 30),
      "m.onnx: the file has more than 1024 MiB, the limit of its format; export the model again with "
        + "external data"
    ),
    (.foreign(.text), "m.onnx: this is a text file, not an ONNX model"),
    (
      .foreign(.zip),
      "m.onnx: this is a zip archive, not an ONNX model; export a PyTorch checkpoint with "
        + "torch.onnx.export"
    ),
    (.foreign(.gzip), "m.onnx: this is a gzip file, not an ONNX model; unpack it first"),
    (
      .foreign(.hdf5),
      "m.onnx: this is an HDF5 file, not an ONNX model; convert a Keras model with tf2onnx"
    ),
    (
      .foreign(.tensorFlowLite),
      "m.onnx: this is a TensorFlow Lite model, not an ONNX model; convert it with tf2onnx"
    ),
    (.foreign(.numpy), "m.onnx: this is a NumPy array, not an ONNX model"),
    (.foreign(.image), "m.onnx: this is an image, not an ONNX model"),
    (.foreign(.unknown), "m.onnx: this is not an ONNX model"),
    (
      .truncated(field: "ModelProto.graph", offset: 8, missing: 10),
      "m.onnx: the file is truncated: ModelProto.graph at byte 8 needs 10 more bytes; copy or export "
        + "it again"
    ),
    (
      .malformed(field: "ModelProto.graph", offset: 8, .wireType(expected: "bytes")),
      "m.onnx: not a valid ONNX file: ModelProto.graph at byte 8 is not encoded as bytes; copy or "
        + "export it again"
    ),
    (
      .tooDeep(limit: 100),
      "m.onnx: messages are nested more than 100 deep; simplify the model's subgraphs"
    ),
    (
      .tooLarge(limit: 256 << 20),
      "m.onnx: decoding takes more than 256 MiB, which no model of this size needs; export it again"
    ),
    (
      .noGraph, "m.onnx: the file has no graph, so it is not an ONNX model; export it again"
    ),
    (.irVersion(nil), "m.onnx: field ir_version is missing; export the model again"),
    (
      .irVersion(2),
      "m.onnx: IR version 2 is not supported; convert the model to IR version 3 or later"
    ),
    (
      .noStandardOpset,
      "m.onnx: opset_import has no version of the standard domain; export the model with opset 7 or "
        + "later"
    ),
    (
      .opset(domain: "", version: 6),
      "m.onnx: opset 6 is not supported; convert the model to opset 7 or later"
    ),
    (
      .opset(domain: "d", version: -1),
      "m.onnx: opset_import: version -1 of domain 'd' is not valid"
    ),
    (
      .repeatedOpset(domain: "d"),
      "m.onnx: opset_import: domain 'd' is imported at two versions; keep one"
    ),
    (
      .missingField(owner: "node 'n'", field: "op_type"),
      "m.onnx: node 'n': field op_type is missing"
    ),
    (
      .duplicateValue(name: "v", definitions: ["an initializer", "node 'n'"]),
      "m.onnx: value 'v' is defined by an initializer and by node 'n'; rename one"
    ),
    (
      .graph(.danglingValue(name: "v", consumer: "n")),
      "m.onnx: node 'n': input 'v' is neither computed nor given"
    ),
    (
      .graph(.cycle(nodes: ["a", "b"])), "m.onnx: the graph has a cycle through 'a', 'b'"
    ),
    (
      .attribute(node: "n", name: "a", .contentOfOtherType(declared: "int", found: "floats")),
      "m.onnx: node 'n': attribute 'a' is declared as int but holds floats"
    ),
    (
      .attribute(node: "n", name: "a", .repeated),
      "m.onnx: node 'n': attribute 'a' is given more than once"
    ),
    (
      .attribute(node: "n", name: "a", .noContent(type: "tensor")),
      "m.onnx: node 'n': attribute 'a' is declared as tensor and has no content"
    ),
    (
      .attribute(node: "n", name: "a", .unknownType(99)),
      "m.onnx: node 'n': attribute 'a' has the unknown type 99"
    ),
    (
      .attribute(node: "n", name: "a", .reference(to: "p")),
      "m.onnx: node 'n': attribute 'a' refers to the parameter 'p', which only a function has"
    ),
    (.tensor(name: "t", .noElementType), "m.onnx: tensor 't': field data_type is missing"),
    (
      .tensor(name: "t", .unknownElementType(77)),
      "m.onnx: tensor 't': element type 77 is not supported"
    ),
    (
      .tensor(name: "t", .negativeDimension(axis: 1, size: -3)),
      "m.onnx: tensor 't': dimension 1 is -3"
    ),
    (
      .tensor(name: "t", .tooManyElements(shape: [9, 9])),
      "m.onnx: tensor 't': shape 9x9 has too many elements"
    ),
    (
      .tensor(name: "t", .byteCount(expected: 8, actual: 7)),
      "m.onnx: tensor 't': its shape needs 8 bytes of data, found 7"
    ),
    (
      .tensor(name: "t", .elementCount(field: "int32_data", expected: 2, actual: 3)),
      "m.onnx: tensor 't': its shape needs 2 entries in int32_data, found 3"
    ),
    (
      .tensor(name: "t", .severalDataFields(["raw_data", "float_data"])),
      "m.onnx: tensor 't': data stands in raw_data and in float_data; only one may be used"
    ),
    (
      .tensor(name: "t", .wrongDataField(field: "int32_data", type: .float32)),
      "m.onnx: tensor 't': int32_data can't hold elements of type float"
    ),
    (.tensor(name: "t", .segmented), "m.onnx: tensor 't': tensors in segments are not supported"),
    (
      .tensor(name: "t", .external(.noLocation)),
      "m.onnx: tensor 't': external data: the location is missing"
    ),
    (
      .tensor(name: "t", .external(.noFolder)),
      "m.onnx: tensor 't': external data: a model given as bytes has no folder to read it from"
    ),
    (
      .tensor(name: "t", .external(.outsideFolder(location: "../x"))),
      "m.onnx: tensor 't': external data: '../x' lies outside the model's folder; move it beside the "
        + "model"
    ),
    (
      .tensor(name: "t", .external(.number(key: "offset", value: "x"))),
      "m.onnx: tensor 't': external data: offset 'x' is not a valid number"
    ),
    (
      .tensor(name: "t", .external(.length(expected: 8, actual: 4))),
      "m.onnx: tensor 't': external data: length is 4, but its shape needs 8 bytes"
    ),
    (
      .tensor(name: "t", .external(.pastEnd(location: "x", offset: 1, length: 8, fileSize: 8))),
      "m.onnx: tensor 't': external data: 'x' has 8 bytes, but 8 bytes from offset 1 are needed"
    ),
    (.valueCount(limit: 5), "m.onnx: the graph has more than 5 values"),
    (
      .capturedName(node: "n", name: "v"),
      "m.onnx: node 'n': its subgraph reads value 'v', which has another name now"
    ),
    (
      .internalOperator(node: "n", type: "Chain"),
      "m.onnx: node 'n': operator 'Chain' is for computing alone and can't be written; "
        + "write the model that the graph was made from"
    ),
  ]

  @Test func `a name can neither break the line nor fill the screen`() {
    let problem = { FormatProblem.graph(.danglingValue(name: $0, consumer: "a\nb\u{1B}[2J")) }
    #expect(
      FormatError(file: "m.onnx", problem("x\u{202E}")).description
        == #"m.onnx: node 'a\nb\u{1B}[2J': input 'x\u{202E}' is neither computed nor given"#)
    let long = FormatError(file: "m.onnx", problem(String(repeating: "x", count: 1 << 20)))
    #expect(long.description.count < 1100)
    #expect(long.description.hasSuffix("is neither computed nor given"))
  }

  @Test(arguments: messages.indices)
  func `a message is one line that names the file and the place`(row: Int) {
    let (problem, message) = Self.messages[row]
    #expect(FormatError(file: "m.onnx", problem).description == message)
    #expect(!message.contains("\n"))
  }
}
