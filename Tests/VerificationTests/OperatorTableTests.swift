import GraphIR
import TensorCore
import TestSupport
import Testing

@testable import Verification

/// Which nodes the verifier knows, and that anything beyond them is unknown.
@Suite struct OperatorTableTests {
  static func entry(
    _ domain: String, _ type: String, inputs: Int, _ attributes: [Attribute] = [],
    version: Int? = nil, opset: Int = 17
  ) throws -> OperatorTable.Entry {
    var builder = GraphBuilder()
    let x = builder.input()
    builder.output(
      builder.node(type, [ValueID?](repeating: x, count: inputs), attributes, domain: domain))
    var model = builder.model
    model.opsets[0].version = opset
    if let version, !domain.isEmpty { model.importDomain(domain, version: version) }
    let node = try #require(model.graph.producer(of: model.graph.outputs[0]))
    return OperatorTable.entry(for: node, in: model)
  }

  /// Why a node is unknown; `nil` for a known one.
  static func obstacle(_ entry: OperatorTable.Entry) -> Obstacle? {
    if case .unknown(let obstacle) = entry { obstacle } else { nil }
  }

  @Test func `each operator is known in its own form, and unknown with anything more`() throws {
    for (domain, type, definition) in OperatorTable.all {
      let version = definition.versions.lowerBound
      let inputs = definition.inputs.lowerBound
      func obstacle(
        inputs: Int, _ attributes: [Attribute] = [], version: Int = version, opset: Int = 17
      ) throws -> Obstacle? {
        Self.obstacle(
          try Self.entry(
            domain, type, inputs: inputs, attributes, version: version, opset: opset))
      }
      #expect(try obstacle(inputs: inputs) == nil, "\(type)")
      #expect(
        try obstacle(inputs: inputs, [Attribute("strange", .int(1))])
          == .unknownForm(type: type, what: "an attribute 'strange'"))
      if let known = definition.attributes.sorted().first {
        #expect(
          try obstacle(
            inputs: inputs, [Attribute(known, .int(1)), Attribute(known, .int(1))])
            == .unknownForm(type: type, what: "two attributes '\(known)'"))
        #expect(
          try obstacle(inputs: inputs, [Attribute(known, .serialized([1]))])
            == .hiddenNodes(type: type))
      }
      if inputs > 0 {
        #expect(
          try obstacle(inputs: inputs - 1)
            == .unknownForm(type: type, what: "\(inputs - 1) inputs"))
      }
      if definition.inputs.upperBound < 100 {
        let more = definition.inputs.upperBound + 1
        #expect(
          try obstacle(inputs: more) == .unknownForm(type: type, what: "\(more) inputs"), "\(type)")
      }
      if version > 0 {
        #expect(
          try obstacle(inputs: inputs, version: version - 1)
            == .unknownVersion(domain: domain, type: type, version: version - 1))
        #expect(try obstacle(inputs: inputs, version: definition.versions.upperBound + 1) != nil)
      }
      let isStandard = domain.isEmpty
      #expect(try obstacle(inputs: inputs, opset: 25) == nil, "\(type)")
      #expect(
        try obstacle(inputs: inputs, opset: 26)
          == (isStandard ? .unknownVersion(domain: "", type: type, version: 26) : nil), "\(type)")
    }
  }

  /// The forms that the texts of the operators give, for what the table could widen by mistake.
  @Test(arguments: [
    ("", "MatMul", 2...2, []), ("", "Gemm", 2...3, ["alpha", "beta", "transA", "transB"]),
    ("", "ConvInteger", 2...4, OperatorTable.windowed.union(["group"]).sorted()),
    ("", "MatMulInteger", 2...4, []), ("", "QLinearMatMul", 8...8, []),
    ("", "QLinearConv", 8...9, OperatorTable.windowed.union(["group"]).sorted()),
    (
      "", "QuantizeLinear", 2...3,
      ["axis", "block_size", "output_dtype", "precision", "saturate"]
    ),
    ("", "DequantizeLinear", 2...3, ["axis", "block_size", "output_dtype"]),
    (
      "", "Constant", 0...0,
      [
        "value", "value_float", "value_floats", "value_int", "value_ints", "value_string",
        "value_strings",
      ]
    ),
    ("qonnx.custom_op.general", "Quant", 4...4, ["narrow", "rounding_mode", "signed"]),
    ("qonnx.custom_op.general", "Trunc", 6...6, ["narrow", "rounding_mode", "signed"]),
    ("qonnx.custom_op.general", "BipolarQuant", 2...2, []),
    (
      "qonnx.custom_op.general", "MultiThreshold", 2...2,
      ["data_layout", "out_bias", "out_dtype", "out_scale"]
    ),
    ("com.microsoft", "QGemm", 6...9, ["alpha", "transA", "transB"]),
  ])
  func `operators that integers pass have the inputs and attributes of their texts`(
    _ domain: String, _ type: String, _ inputs: ClosedRange<Int>, _ attributes: [String]
  ) throws {
    let definition = try #require(
      OperatorTable.all.first { $0.domain == domain && $0.type == type }?.definition)
    #expect(definition.inputs == inputs)
    #expect(definition.attributes == Set(attributes))
  }

  @Test(arguments: [
    ("", "Attention"), ("", "DeformConv"), ("", "DFT"), ("", "Einsum"), ("", "GRU"), ("", "If"),
    ("", "LSTM"), ("", "Loop"), ("", "MelWeightMatrix"), ("", "RNN"), ("", "STFT"), ("", "Scan"),
    ("", "SequenceMap"), ("", "Quant"), ("", "QGemm"), ("", "QLinearRelu"),
    ("ai.onnx.ml", "LinearClassifier"), ("ai.onnx.ml", "LinearRegressor"),
    ("ai.onnx.ml", "SVMClassifier"), ("ai.onnx.ml", "SVMRegressor"), ("ai.onnx.ml", "Relu"),
    ("com.microsoft", "Attention"), ("com.microsoft", "DynamicQuantizeMatMul"),
    ("com.microsoft", "FusedConv"), ("com.microsoft", "FusedGemm"),
    ("com.microsoft", "FusedMatMul"),
    ("com.microsoft", "GemmFastGelu"), ("com.microsoft", "MatMulInteger16"),
    ("com.microsoft", "MatMulIntegerToFloat"), ("com.microsoft", "MatMulNBits"),
    ("com.microsoft", "QAttention"), ("com.microsoft", "QLinearConv"), ("com.microsoft", "Quant"),
    ("com.ms.internal.nhwc", "Conv"), ("evil", "Quant"), ("evil", "Relu"), ("evil", "QLinearAdd"),
    ("some.where", "Relu"), ("qonnx.custom_op.channels_last", "Relu"),
    ("qonnx.custom_op.fpgadataflow", "MVAU"), ("qonnx.custom_op.general", "XnorPopcountMatMul"),
    ("qonnx.custom_op.general", "Relu"),
  ])
  func `what may add products unseen, and names in domains that don't have them, are unknown`(
    _ domain: String, _ type: String
  ) throws {
    for inputs in 1...6 {
      #expect(
        Self.obstacle(try Self.entry(domain, type, inputs: inputs, version: 2))
          == .unanalysedOperator(domain: domain, type: type))
    }
  }

  @Test func `the standard's domain has two names`() throws {
    #expect(Self.obstacle(try Self.entry("ai.onnx", "Relu", inputs: 1)) == nil)
    var builder = GraphBuilder()
    let x = builder.quant(builder.input(), bits: 2, signed: false)
    let w = builder.quant(builder.constant([3], [1, 1]), bits: 4, signed: true)
    builder.output(builder.node("MatMul", [x, w], domain: "ai.onnx"))
    #expect(try builder.layer().requiredBits == 5)
  }

  @Test func `operators that only compute real numbers give none`() throws {
    for (domain, type, definition) in OperatorTable.all where definition.integers == nil {
      for attributes in [[], [Attribute("kernel_shape", .ints([1, 1]))]] {
        if !attributes.isEmpty, !definition.attributes.contains("kernel_shape") { continue }
        var graph = Graph(name: "test")
        let inputs = (0..<max(definition.inputs.lowerBound, 1)).map { _ in
          graph.addInput(name: "x", type: TensorType(.float32, shape: [1, 1, 2, 2]))
        }
        let count = definition.inputs.lowerBound
        let y = graph.addNode(
          OpaqueOperator(domain: domain, type: type, attributes: attributes), name: "node",
          inputs: Array(inputs.prefix(count)), output: "y")
        let facts = FactTable(graph: graph)
        let grid = IntegerGrid(scale: 0.5, zeroPoint: 0, codes: CodeRange(bits: 2, signed: true))
        for input in inputs { facts[input] = .grid(grid) }
        let node = try #require(graph.producer(of: y))
        FactAnalysis.apply(
          definition, NodeContext(graph: graph, node: node, opset: 17, facts: facts), to: facts)
        if case .grid = facts[y] { Issue.record("\(type) keeps a grid") }
      }
    }
  }

  @Test(arguments: [
    ("QLinearAdd", 8, 7), ("QLinearMul", 8, 7), ("QLinearConcat", 5, 1),
    ("QLinearAveragePool", 5, 4), ("QLinearGlobalAveragePool", 5, 4), ("QLinearLeakyRelu", 5, 4),
    ("QLinearReduceMean", 5, 4), ("QLinearSigmoid", 5, 4), ("QLinearSoftmax", 5, 4),
  ])
  func `integer arithmetic that is requantized ends in the type of its zero point`(
    _ type: String, _ inputs: Int, _ zeroPoint: Int
  ) throws {
    let definition = try #require(OperatorTable.onnxRuntime[type])
    for isGiven in [true, false] where isGiven || definition.inputs.contains(inputs - 1) {
      var graph = Graph(name: "test")
      let count = isGiven ? inputs : inputs - 1
      let ids = (0..<count).map { index in
        graph.addInput(
          name: "x",
          type: TensorType(index == zeroPoint ? .int8 : index == 0 ? .uint8 : .int16, nil))
      }
      let y = graph.addNode(
        OpaqueOperator(domain: "com.microsoft", type: type, attributes: []), name: "node",
        inputs: ids, output: "y")
      let node = try #require(graph.producer(of: y))
      let context = NodeContext(graph: graph, node: node, opset: 1, facts: FactTable(graph: graph))
      #expect(definition.elementType(context, output: 0) == (isGiven ? .int8 : .uint8))
    }
  }
}
