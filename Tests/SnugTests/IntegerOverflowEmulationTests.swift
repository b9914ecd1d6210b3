import GraphIR
import OnnxFormat
import Snug
import TensorCore
import TestSupport
import Testing

/// Narrow accumulators in files whose layers are integer operators.
@Suite struct IntegerOverflowEmulationTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func evaluate(
    _ file: ModelFile, on data: String, _ overflow: OverflowOptions?, limit: Int? = nil,
    task: ModelTask? = nil
  ) throws -> Evaluation {
    var options = EvaluationOptions()
    options.limit = limit
    options.preprocessing.task = task
    options.overflow = overflow
    return try file.evaluate(on: data, options)
  }

  // MARK: Files that were made for onnxruntime

  private func exported(_ method: Recipe.Method, accumulatorBits: Int) throws -> (
    quantized: ModelFile, integer: ModelFile
  ) {
    var options = ConversionOptions()
    options.recipe.method = method
    options.recipe.accumulatorBits = accumulatorBits
    options.recipe.calibrationSamples = 32
    options.data = Fixtures.path("digits/calibration.npz")
    let quantized = ModelFile(folder.path("quantized.onnx"))
    _ = try ModelFile(Fixtures.path("digits/model.onnx")).convert(to: quantized.path, options)
    let integer = ModelFile(folder.path("integer.onnx"))
    _ = try quantized.export(to: integer.path, ExportOptions(format: .integer))
    return (quantized, integer)
  }

  private let digits = Fixtures.path("digits/test.npz")

  @Test(arguments: OverflowOptions.Overflow.allCases)
  func `a certified export of integers overflows nowhere and computes what it did`(
    overflow: OverflowOptions.Overflow
  ) throws {
    let file = try exported(.a2qPlus, accumulatorBits: 12).integer
    let plain = try evaluate(file, on: digits, nil, limit: 100)
    let emulated = try evaluate(
      file, on: digits, OverflowOptions(accumulatorBits: 12, overflow: overflow), limit: 100)
    let report = try #require(emulated.overflow)
    #expect(report.layers.count == 4)
    #expect(report.layers.allSatisfy { $0.counts.dotProducts > 0 })
    #expect(report.total.counts.partiallyOverflowed == 0)
    #expect(emulated.value == plain.value && emulated.loss == plain.loss)
  }

  @Test func `an export of integers overflows as often as the file that it was made from`() throws {
    let files = try exported(.unconstrained, accumulatorBits: 12)
    let options = OverflowOptions(accumulatorBits: 9, overflow: .count, layers: .all)
    let original = try #require(
      try evaluate(files.quantized, on: digits, options, limit: 100).overflow)
    let integer = try #require(
      try evaluate(files.integer, on: digits, options, limit: 100).overflow)
    #expect(integer.total.counts.overflowed > 0)
    #expect(integer.layers.map(\.counts) == original.layers.map(\.counts))
  }

  // MARK: Files of onnxruntime's quantizer

  @Test(arguments: [
    "ort-dynamic-uint8", "ort-dynamic-int8-per-channel", "ort-qoperator-uint8",
    "ort-qoperator-per-channel", "ort-qoperator-int8",
  ])
  func `wide registers change no bit of another tool's file, and narrow ones overflow`(
    _ name: String
  ) throws {
    let file = ModelFile(Fixtures.path("foreign/\(name).onnx"))
    let graph = try file.load().graph
    let input = try TensorFiles.read(Fixtures.path("foreign/\(name).input.npy"))
    let result = try file.run([graph[graph.inputs[0]].name: input])
    let samples = try TemporaryFolder()
    try TensorFile.write(input, to: samples.path("input_0.pb"))
    try TensorFile.write(try #require(result.first).tensor, to: samples.path("output_0.pb"))
    func evaluate(_ bits: Int) throws -> (value: Double, report: OverflowReport) {
      let options = OverflowOptions(accumulatorBits: bits, overflow: .wrap, layers: .all)
      let evaluation = try self.evaluate(
        file, on: samples.url.path, options, task: .regression)
      return (evaluation.value, try #require(evaluation.overflow))
    }
    let wide = try evaluate(32)
    // A QGemm runs as a Gemm of floats, whose sums round.
    let hasFloats = graph.nodeIDs.contains { graph[$0].op.type == "Gemm" }
    #expect(hasFloats ? wide.value <= 1e-6 : wide.value == 0)
    let layers = try file.verify(accumulatorBits: 32).result.layers.filter(\.layer.isQuantized)
    #expect(wide.report.layers.map(\.name) == layers.map(\.layer.name))
    #expect(wide.report.total.counts.partiallyOverflowed == 0)
    let narrow = try evaluate(10)
    #expect(narrow.report.total.counts.overflowed > 0 && narrow.value > wide.value)
  }

  // MARK: Each operator

  /// x in steps of 1 from -3 to 252, as bytes around 3.
  private func bytes(_ builder: inout GraphBuilder, _ shape: [Int]) -> (
    codes: ValueID, step: ValueID, zero: ValueID
  ) {
    let x = builder.input("x", TensorType(.float32, shape: shape))
    let step = builder.constant([1], [], name: "step")
    let zero = builder.constant(of: [UInt8(3)], [], name: "zero")
    let codes = builder.node(
      "QuantizeLinear", [x, step, zero], type: TensorType(.uint8, shape: shape), name: "quantize")
    return (codes, step, zero)
  }

  private func write(_ builder: GraphBuilder) throws -> ModelFile {
    let path = folder.path("operator.onnx")
    try OnnxWriter.write(builder.model, to: path)
    return ModelFile(path)
  }

  /// What a register of two's complement keeps.
  private func wrapped(_ sum: Int, _ bits: Int) -> Int {
    let modulus = 1 << bits
    let rest = ((sum % modulus) + modulus) % modulus
    return rest < modulus / 2 ? rest : rest - modulus
  }

  /// Checks that a file computes `expected` in registers of some width, and how many of them overflow.
  private func check(
    _ file: ModelFile, _ x: [Int], _ shape: [Int], bits: Int, expected: [Float],
    _ outputShape: [Int], overflowed: Int
  ) throws {
    let samples = try TemporaryFolder()
    try TensorFile.write(Tensor(x.map(Float.init), shape: shape), to: samples.path("input_0.pb"))
    try TensorFile.write(
      Tensor(expected, shape: outputShape), to: samples.path("output_0.pb"))
    let result = try evaluate(
      file, on: samples.url.path,
      OverflowOptions(accumulatorBits: bits, overflow: .wrap, layers: .all), task: .regression)
    #expect(result.value == 0)
    let report = try #require(result.overflow)
    #expect(report.layers.count == 1)
    #expect(report.total.counts.overflowed == overflowed)
    #expect(report.total.counts.dotProducts == expected.count)
  }

  /// Bits in which some sums overflow, and bits in which none does.
  static let widths = [10, 32]

  private let matrix: [Int8] = [5, -7, 3, 11, 2, -1, -6, 8]
  private let columns = [[4, 90, 200, 31], [250, 0, 7, 100], [-3, 1, 2, -3]]
  /// Of each row times both columns of the matrix.
  private var products: [[Int]] {
    columns.map { row in
      (0..<2).map { column in (0..<4).reduce(0) { $0 + row[$1] * Int(matrix[$1 * 2 + column]) } }
    }
  }

  @Test(arguments: widths)
  func `MatMulInteger sums in registers that start from the integers of an Add behind`(bits: Int)
    throws
  {
    let biases = [40, -300]
    var builder = GraphBuilder()
    let x = bytes(&builder, [3, 4])
    let w = builder.constant(of: matrix, [4, 2], name: "w")
    let product = builder.node("MatMulInteger", [x.codes, w, x.zero], name: "fc")
    let added = builder.node(
      "Add", [product, builder.constant(of: biases.map(Int32.init), [2], name: "b")])
    builder.output(builder.node("Cast", [added], [Attribute("to", .int(1))]))
    let file = try write(builder)
    #expect(try file.verify().result.layers[0].layer.bias?.values == [40, -300])
    let sums = products.flatMap { $0.enumerated().map { $1 + biases[$0] } }
    try check(
      file, columns.flatMap { $0 }, [3, 4], bits: bits,
      expected: sums.map { Float(wrapped($0, bits)) }, [3, 2],
      overflowed: sums.count { wrapped($0, bits) != $0 })
    #expect(sums.contains { wrapped($0, 10) != $0 } && sums.contains { wrapped($0, 10) == $0 })
  }

  @Test(arguments: widths)
  func `QLinearMatMul rounds what its registers hold`(bits: Int) throws {
    var builder = GraphBuilder()
    let x = bytes(&builder, [3, 4])
    let w = builder.constant(of: matrix, [4, 2], name: "w")
    let steps = builder.constant([0.5, 0.25], [2], name: "steps")
    let zeros = builder.constant(of: [Int8(0), 0], [2], name: "zeros")
    let outputStep = builder.constant([4], [], name: "output step")
    let outputZero = builder.constant(of: [UInt8(128)], [], name: "output zero")
    let y = builder.node(
      "QLinearMatMul", [x.codes, x.step, x.zero, w, steps, zeros, outputStep, outputZero],
      name: "fc")
    builder.output(builder.node("DequantizeLinear", [y, outputStep, outputZero]))
    let sums = products.flatMap { $0 }
    let values = sums.enumerated().map { index, sum in
      let real = Double(wrapped(sum, bits)) * [0.5, 0.25][index % 2] / 4
      return Float(min(max(real.rounded(.toNearestOrEven), -128), 127) * 4)
    }
    try check(
      try write(builder), columns.flatMap { $0 }, [3, 4], bits: bits, expected: values, [3, 2],
      overflowed: sums.count { wrapped($0, bits) != $0 })
    #expect(sums.contains { wrapped($0, 10) != $0 } && sums.contains { wrapped($0, 10) == $0 })
  }

  private let image = [12, 200, 31, 4, 0, 250, 77, 18, 93]
  private let kernels: [Int8] = [3, -5, 7, 2, -4, 6, -1, 9]
  /// Of two kernels of 2 x 2 that slide over an image of 3 x 3 with zeros around, in steps of 2.
  private var convolved: [[Int]] {
    (0..<2).map { channel in
      (0..<4).map { position in
        (0..<4).reduce(0) { sum, tap in
          let (row, column) = (position / 2 * 2 + tap / 2 - 1, position % 2 * 2 + tap % 2 - 1)
          guard (0..<3).contains(row), (0..<3).contains(column) else { return sum }
          return sum + image[row * 3 + column] * Int(kernels[channel * 4 + tap])
        }
      }
    }
  }
  private let window = [
    Attribute("pads", .ints([1, 1, 0, 0])), Attribute("strides", .ints([2, 2])),
  ]

  @Test(arguments: widths)
  func `ConvInteger sums in registers, with a zero point a channel`(bits: Int) throws {
    let zeros: [Int8] = [4, -2]
    var builder = GraphBuilder()
    let x = bytes(&builder, [1, 1, 3, 3])
    let w = builder.constant(
      of: kernels.enumerated().map { $1 + zeros[$0 / 4] }, [2, 1, 2, 2], name: "w")
    let product = builder.node(
      "ConvInteger", [x.codes, w, x.zero, builder.constant(of: zeros, [2], name: "zeros")],
      window, name: "conv")
    builder.output(builder.node("Cast", [product], [Attribute("to", .int(1))]))
    let sums = convolved.flatMap { $0 }
    try check(
      try write(builder), image, [1, 1, 3, 3], bits: bits,
      expected: sums.map { Float(wrapped($0, bits)) }, [1, 2, 2, 2],
      overflowed: sums.count { wrapped($0, bits) != $0 })
    #expect(sums.contains { wrapped($0, 10) != $0 } && sums.contains { wrapped($0, 10) == $0 })
  }

  @Test(arguments: widths)
  func `QLinearConv sums in registers that start from its bias`(bits: Int) throws {
    let biases = [-60, 350]
    var builder = GraphBuilder()
    let x = bytes(&builder, [1, 1, 3, 3])
    let w = builder.constant(of: kernels, [2, 1, 2, 2], name: "w")
    let step = builder.constant([2], [], name: "weight step")
    let zero = builder.constant(of: [Int8(0)], [], name: "weight zero")
    let outputStep = builder.constant([32], [], name: "output step")
    let outputZero = builder.constant(of: [UInt8(128)], [], name: "output zero")
    let y = builder.node(
      "QLinearConv",
      [
        x.codes, x.step, x.zero, w, step, zero, outputStep, outputZero,
        builder.constant(of: biases.map(Int32.init), [2], name: "b"),
      ], window, name: "conv")
    builder.output(builder.node("DequantizeLinear", [y, outputStep, outputZero]))
    let file = try write(builder)
    #expect(try file.verify().result.layers[0].layer.bias?.values == [-60, 350])
    let sums = convolved.enumerated().flatMap { channel, sums in sums.map { $0 + biases[channel] } }
    let values = sums.map { sum in
      let real = Double(wrapped(sum, bits)) * 2 / 32
      return Float(min(max(real.rounded(.toNearestOrEven), -128), 127) * 32)
    }
    try check(
      file, image, [1, 1, 3, 3], bits: bits, expected: values, [1, 2, 2, 2],
      overflowed: sums.count { wrapped($0, bits) != $0 })
    #expect(sums.contains { wrapped($0, 10) != $0 } && sums.contains { wrapped($0, 10) == $0 })
  }

  /// Two products that a certificate may cover, and whose registers are not emulated.
  @Test(arguments: ["activations", "rows"])
  func `what can't be emulated is refused by its node's name`(_ kind: String) throws {
    var builder = GraphBuilder()
    let x = bytes(&builder, [2, 2])
    let zeros = builder.constant(of: [UInt8(3), 4], [2], name: "zeros")
    let w = builder.constant(of: [UInt8(1), 2, 3, 4], [2, 2], name: "w")
    let product = builder.node(
      "MatMulInteger",
      kind == "rows" ? [x.codes, w, zeros] : [x.codes, x.codes, x.zero, x.zero], name: "pair")
    builder.output(builder.node("Cast", [product], [Attribute("to", .int(1))]))
    let file = try write(builder)
    let error = #expect(throws: SnugError.self) {
      _ = try evaluate(
        file, on: digits, OverflowOptions(accumulatorBits: 12, layers: .all))
    }
    guard case .accumulatorsNotEmulated(_, "pair", let reason) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(reason.contains(kind == "rows" ? "each channel" : "two activations"))
  }
}
