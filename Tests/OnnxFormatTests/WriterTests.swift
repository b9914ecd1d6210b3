import Foundation
import GraphIR
import TensorCore
import TestSupport
import Testing

@testable import OnnxFormat

@Suite struct WriterTests {
  static func read(_ path: String) throws -> Model {
    try OnnxReader.read(path: path, resolver: OpaqueResolver())
  }

  /// A model with a constant of 4 KiB.
  static func model() throws -> Model {
    var model = try ModelBytes().read()
    let big = Tensor((0..<1024).map(Float.init), shape: [1024])
    let id = model.graph.addConstant(name: "big", big)
    let sum = model.graph.addNode(
      OpaqueOperator(domain: "", type: "ReduceSum", attributes: []), name: "sum", inputs: [id],
      output: "total", type: TensorType(.float32, shape: []))
    model.graph.addOutput(sum)
    return model
  }

  @Test func `a failed write leaves what was there and nothing else`() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write([1, 2, 3], to: "model.onnx")
    #expect(throws: FormatError(file: path, .graph(.danglingValue(name: "ghost", consumer: nil)))) {
      var model = try Self.model()
      model.graph.addOutput(model.graph.addValue(name: "ghost"))
      try OnnxWriter.write(model, to: path)
    }
    #expect(FileManager.default.contents(atPath: path) == Data([1, 2, 3]))
    #expect(try folder.contents() == ["model.onnx"])
  }

  /// An operator that is made inside, with no form in a file.
  private struct Internal: Operator {
    static let schema = OperatorSchema("Internal", inputs: 1...1, outputs: 1...1)
    func infer(_ inputs: [InputInfo?]) -> [TensorType?] { [inputs[0]?.type] }
  }

  @Test func `an operator that no file can hold is refused by name`() throws {
    var model = try Self.model()
    let input = try #require(model.graph.inputs.first)
    let output = model.graph.addNode(
      Internal(), name: "inside", inputs: [input], output: "y", type: model.graph[input].type)
    model.graph.addOutput(output)
    #expect(
      throws: FormatError(file: "model", .internalOperator(node: "inside", type: "Internal"))
    ) { try OnnxWriter.serialize(model) }
  }

  @Test func `a path that can't be written is refused with the reason`() throws {
    let folder = try TemporaryFolder()
    let inFile = try folder.write([], to: "file") + "/model.onnx"
    for (path, code, reason) in [
      (
        folder.path("none/model.onnx"), ENOENT,
        "No such file or directory; create the folder, or name another"
      ),
      (folder.url.path, EISDIR, "Is a directory; name a file"),
      (inFile, ENOTDIR, "Not a directory; check the path"),
    ] {
      do {
        try OnnxWriter.write(Self.model(), to: path)
        Issue.record("written")
      } catch let error as FormatError {
        #expect(error.problem == .cannotWrite(FileError(.write, path, code: code)))
        #expect(error.isOutput)
        #expect(error.description == "cannot write '\(path)': \(reason)")
      }
    }
  }

  @Test func `a full disk is an error and leaves no file`() throws {
    // Every write to /dev/full fails as on a full disk.
    #expect(
      throws: FormatError(
        file: "/dev/full", .cannotWrite(FileError(.write, "/dev/full", code: ENOSPC)))
    ) { try OnnxWriter.write(Self.model(), to: "/dev/full") }
  }

  @Test func `a model too large for one file gets its larger tensors beside it`() throws {
    let folder = try TemporaryFolder()
    let model = try Self.model()
    try OnnxWriter.write(model, to: folder.path("m.onnx"), largestFile: 1000)
    #expect(try folder.contents() == ["m.onnx", "m.onnx.data"])
    let size = try #require(FileManager.default.contents(atPath: folder.path("m.onnx"))).count
    #expect(size < 1000)
    expectEqual(try Self.read(folder.path("m.onnx")), model)
  }

  @Test(arguments: [3, 4])
  func `initializers are graph inputs before IR version 4 and not after`(version: Int) throws {
    var model = try Self.model()
    model.irVersion = version
    let again = try OnnxReader.read(
      bytes: OnnxWriter.serialize(model), resolver: OpaqueResolver())
    let listed = again.graph.valueIDs.filter { again.graph[$0].isListedInput }
    #expect(listed.map { again.graph[$0].name } == (version < 4 ? ["w", "big"] : []))
    #expect(again.graph.inputs.map { again.graph[$0].name } == ["x"])
  }

  @Test(arguments: [9, 10])
  func `the graph's own metadata is written from IR version 10 on`(version: Int) throws {
    var model = try Self.model()
    model.irVersion = version
    model.graph.metadata = [KeyValue("key", "value")]
    model.setMetadata("model", "data")
    let again = try OnnxReader.read(
      bytes: OnnxWriter.serialize(model), resolver: OpaqueResolver())
    let own = [KeyValue("key", "value"), KeyValue("model", "data")]
    #expect(again.graph.metadata == (version < 10 ? [] : own))
    #expect(again.metadata == [KeyValue("model", "data")])
  }

  @Test func `a type that came with denotations is replaced once the value has another type`()
    throws
  {
    var model = ModelBytes()
    model.graphExtra.message(13) { info in
      info.string(1, "hidden")
      info.message(2) {
        $0.message(1) { tensor in
          tensor.int(1, 1)
          tensor.message(2) { shape in
            shape.message(1) {
              $0.int(1, 4)
              $0.string(3, "DATA_BATCH")
            }
          }
        }
      }
    }
    model.nodes.append(ModelBytes.node("Relu", ["x"], ["hidden"]))
    var decoded = try model.read()
    let id = try #require(decoded.graph.value(named: "hidden"))
    #expect(decoded.graph[id].type == TensorType(.float32, shape: [4]))
    let denotation = Array("DATA_BATCH".utf8)
    #expect(try OnnxWriter.serialize(decoded).contains(denotation))
    decoded.graph[id].type = TensorType(.float32, shape: [5])
    let changed = try OnnxWriter.serialize(decoded)
    #expect(!changed.contains(denotation))
    let again = try OnnxReader.read(bytes: changed, resolver: OpaqueResolver())
    #expect(
      again.graph.value(named: "hidden").map { again.graph[$0].type }
        == TensorType(.float32, shape: [5]))
  }

  /// In one process of the peer, which takes a second to start.
  @Test(.enabled(if: Peers.python != nil, "\(Peers.hint)"))
  func `a written model passes the checker and says what the original says`() throws {
    let folder = try TemporaryFolder()
    let models = RoundTripTests.models
    var arguments: [String] = []
    for (index, path) in models.enumerated() {
      let written = folder.path("\(index).onnx")
      try OnnxWriter.write(Self.read(path), to: written)
      arguments += [path, written]
    }
    let result = try Peers.runPython(Self.comparison, arguments)
    #expect(result.status == 0 && result.output.isEmpty, "\(result.output) \(result.errors)")
  }

  @Test(.enabled(if: Peers.python != nil, "\(Peers.hint)"))
  func `a model with external data passes the checker`() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("m.onnx")
    var model = try Self.model()
    model.irVersion = 8
    try OnnxWriter.write(model, to: path, largestFile: 1000)
    let result = try Peers.runPython(
      """
      import sys, onnx, onnx.numpy_helper as h
      onnx.checker.check_model(sys.argv[1])
      m = onnx.load(sys.argv[1])
      big = h.to_array([t for t in m.graph.initializer if t.name == "big"][0])
      assert (big == range(1024)).all()
      """, [path])
    #expect(result.status == 0, "\(result.errors)")
  }

  /// Checks the second model of each pair with onnx, compares it with the first, field by field, and prints what differs.
  static let comparison = """
    import sys, traceback, onnx
    from onnx import numpy_helper as h
    def compare(original, written):
        a, b = onnx.load(original), onnx.load(written)
        try:
            onnx.checker.check_model(a)
            checkable = True
        except Exception:
            checkable = False
        if checkable:
            onnx.checker.check_model(b)
        for field in ["ir_version", "producer_name", "producer_version", "domain", "model_version",
                      "doc_string"]:
            assert getattr(a, field) == getattr(b, field), field
        pairs = lambda entries: [(e.key, e.value) for e in entries]
        assert pairs(a.metadata_props) == pairs(b.metadata_props)
        assert [(o.domain, o.version) for o in a.opset_import] == \\
            [(o.domain, o.version) for o in b.opset_import]
        g, k = a.graph, b.graph
        assert len(g.node) == len(k.node)
        for i, (m, n) in enumerate(zip(g.node, k.node)):
            left = list(m.input)
            while left and not left[-1]: left.pop()
            assert left == list(n.input), m.name
            assert list(m.output) == list(n.output), m.name
            assert (m.op_type, "" if m.domain == "ai.onnx" else m.domain, m.doc_string) == \\
                (n.op_type, n.domain, n.doc_string), m.name
            if m.name: assert m.name == n.name
            assert [x.name for x in m.attribute] == [x.name for x in n.attribute]
            for p, q in zip(m.attribute, n.attribute):
                if p.type == onnx.AttributeProto.TENSOR:
                    assert h.to_array(p.t).tobytes() == h.to_array(q.t).tobytes()
                else:
                    p.ClearField("doc_string")
                    assert p == q, (p, q)
        left = {t.name: t for t in g.initializer}
        right = {t.name: t for t in k.initializer}
        assert list(left) == list(right)
        for name in left:
            x, y = h.to_array(left[name]), h.to_array(right[name])
            assert x.dtype == y.dtype and x.shape == y.shape and x.tobytes() == y.tobytes(), name
        shape = lambda v: (v.name, v.type)
        assert sorted(map(lambda v: v.name, g.input)) == sorted(map(lambda v: v.name, k.input))
        for v in g.input:
            assert v in k.input, v
        assert list(map(shape, g.output)) == list(map(shape, k.output))
        made = {o for n in g.node for o in n.output} - {o.name for o in g.output}
        assert sorted(v.name for v in g.value_info if v.name in made) == \\
            sorted(v.name for v in k.value_info)
        for v in k.value_info:
            assert v in g.value_info, v
        notes = lambda graph: sorted(
            (q.tensor_name, pairs(q.quant_parameter_tensor_names))
            for q in graph.quantization_annotation)
        assert notes(g) == notes(k)
    for original, written in zip(sys.argv[1::2], sys.argv[2::2]):
        try:
            compare(original, written)
        except Exception:
            print(original, traceback.format_exc())
    """
}

extension Array where Element == UInt8 {
  fileprivate func contains(_ other: [UInt8]) -> Bool {
    indices.contains { self[$0...].starts(with: other) }
  }
}
