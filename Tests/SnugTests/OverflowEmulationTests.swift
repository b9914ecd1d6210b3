import AccumulatorBounds
import OnnxFormat
import Snug
import TestSupport
import Testing

/// Narrow accumulators on converted digit classifiers.
@Suite struct OverflowEmulationTests {
  let folder: TemporaryFolder
  let model = ModelFile(Fixtures.path("digits/model.onnx"))
  let data = Fixtures.path("digits/test.npz")

  init() throws { folder = try TemporaryFolder() }

  private func converted(
    _ method: Recipe.Method, accumulatorBits: Int, tileSize: Int? = nil, biasBits: Int? = nil
  ) throws -> ModelFile {
    var options = ConversionOptions()
    options.recipe.method = method
    options.recipe.accumulatorBits = accumulatorBits
    options.recipe.tileSize = tileSize
    options.recipe.biasBits = biasBits
    options.recipe.foldBatchNormalization = biasBits != nil
    options.recipe.calibrationSamples = 32
    options.data = Fixtures.path("digits/calibration.npz")
    let path = folder.path("\(method.rawValue)-\(accumulatorBits).onnx")
    _ = try model.convert(to: path, options)
    return ModelFile(path)
  }

  private func evaluate(_ model: ModelFile, _ overflow: OverflowOptions?) throws -> Evaluation {
    var options = EvaluationOptions()
    options.limit = 100
    options.usesIntegers = false
    options.overflow = overflow
    return try model.evaluate(on: data, options)
  }

  @Test(arguments: OverflowOptions.Overflow.allCases)
  func `a certified file overflows nowhere and computes what it did`(
    overflow: OverflowOptions.Overflow
  ) throws {
    let file = try converted(.a2qPlus, accumulatorBits: 12)
    let plain = try evaluate(file, nil)
    let emulated = try evaluate(file, OverflowOptions(accumulatorBits: 12, overflow: overflow))
    let report = try #require(emulated.overflow)
    #expect(report.layers.count == 4)
    #expect(report.layers.allSatisfy { $0.counts.dotProducts > 0 })
    #expect(report.total.counts.partiallyOverflowed == 0)
    #expect(emulated.value == plain.value)
  }

  @Test func `a file without the constraint overflows, and wrapping costs it its accuracy`() throws
  {
    let file = try converted(.unconstrained, accumulatorBits: 12)
    let exact = try evaluate(file, OverflowOptions(accumulatorBits: 8, overflow: .count))
    let wrapped = try evaluate(file, OverflowOptions(accumulatorBits: 8, overflow: .wrap))
    let counted = try #require(exact.overflow)
    #expect(counted.total.counts.overflowed > 0)
    #expect(counted.total.counts.partiallyOverflowed >= counted.total.counts.overflowed)
    #expect(try evaluate(file, nil).value == exact.value)
    #expect(wrapped.value < exact.value - 20)
  }

  @Test func `all layers can be held to a width, or those in the middle alone`() throws {
    let file = try converted(.a2qPlus, accumulatorBits: 12)
    let all = try evaluate(file, OverflowOptions(accumulatorBits: 32, layers: .all))
    #expect(all.overflow?.layers.count == 6)
    #expect(all.overflow?.total.counts.overflowed == 0)
  }

  @Test(arguments: OverflowOptions.Overflow.allCases)
  func `tiles and biases that a certificate covers overflow nowhere`(
    overflow: OverflowOptions.Overflow
  ) throws {
    let file = try converted(.exact, accumulatorBits: 9, tileSize: 16, biasBits: 12)
    let result = try file.verify().result
    #expect(result.isCertified)
    #expect(result.layers.contains { $0.tiles != nil && $0.layer.bias != nil })
    let plain = try evaluate(file, nil)
    let emulated = try evaluate(file, OverflowOptions(accumulatorBits: 9, overflow: overflow))
    let report = try #require(emulated.overflow)
    #expect(report.layers.allSatisfy { $0.tiles?.size == 16 && $0.counts.dotProducts > 0 })
    #expect(report.total.counts.partiallyOverflowed == 0)
    #expect(emulated.value == plain.value)
  }

  /// One Gemm of weights in tiles of two on unsigned two-bit inputs, its bias an integer in the accumulator.
  private func layer(outerBits: Int?, bias: Float?) throws -> ModelFile {
    var builder = GraphBuilder()
    let x = builder.quant(
      builder.input("x", TensorType(.float32, shape: [1, 6])), bits: 2, signed: false)
    let w = builder.quant(
      builder.constant([3, 0, -1, -3, 2, -1], [1, 6], name: "w"), bits: 3, signed: true,
      narrow: true)
    var inputs = [x, w]
    if let bias {
      inputs.append(builder.quant(builder.constant([bias], [1], name: "b"), bits: 6, signed: true))
    }
    builder.output(
      builder.node("Gemm", inputs, [Attribute("transB", .int(1))], name: "fc"))
    let entry = AccumulatorAnnotation(
      layer: "fc", output: "fc_out", weight: "w", targetBits: 8, requiredBits: 5, inputBits: 2,
      inputSigned: false, method: "exact",
      tiling: outerBits.flatMap { .init(size: 2, outerBits: $0) })
    builder.metadata = [
      KeyValue(AccumulatorAnnotation.metadataKey, AccumulatorAnnotation.encode([entry]))
    ]
    let path = folder.path("layer.onnx")
    try OnnxWriter.write(builder.model, to: path)
    return ModelFile(path)
  }

  /// What one input overflows.
  private func counts(_ file: ModelFile, _ input: [Int64], bits: Int) throws
    -> OverflowReport.Counts
  {
    let sample = try TemporaryFolder()
    try TensorFile.write(
      Tensor(input.map { Float($0) }, shape: [1, 6]), to: sample.path("input_0.pb"))
    try TensorFile.write(Tensor([Float(0)], shape: [1, 1]), to: sample.path("output_0.pb"))
    var options = EvaluationOptions()
    options.preprocessing.task = .regression
    options.overflow = OverflowOptions(accumulatorBits: bits, overflow: .count, layers: .all)
    return try #require(try file.evaluate(on: sample.url.path, options).overflow).total.counts
  }

  @Test(arguments: [nil, 10] as [Float?], [nil, 8] as [Int?])
  func `a counterexample of one bit less overflows there, and not in the bits required`(
    bias: Float?, outerBits: Int?
  ) throws {
    let file = try layer(outerBits: outerBits, bias: bias)
    let required = try #require(try file.verify().result.layers[0].requiredBits)
    let example = try #require(
      try file.verify(accumulatorBits: required - 1).result.layers[0].counterexample)
    #expect(try counts(file, example.input, bits: required).partiallyOverflowed == 0)
    let less = try counts(file, example.input, bits: required - 1)
    #expect(less.overflowed == 1 && less.inTiles == (outerBits == nil ? 0 : 1))
  }

  @Test(arguments: [nil, 10] as [Float?])
  func `the register behind the tiles overflows where it has one bit less than they need`(
    bias: Float?
  ) throws {
    let wide = try layer(outerBits: 8, bias: bias)
    let required = try #require(try wide.verify().result.layers[0].tiles).outerRequiredBits
    #expect(required == (bias == nil ? 5 : 6))
    let file = try layer(outerBits: required - 1, bias: bias)
    let example = try #require(try file.verify().result.layers[0].counterexample)
    let counts = try counts(file, example.input, bits: 8)
    #expect(counts.inOuter == 1 && counts.inTiles == 0)
    let exact = try layer(outerBits: required, bias: bias)
    #expect(try self.counts(exact, example.input, bits: 8).partiallyOverflowed == 0)
  }

  @Test func `a float model has no accumulators to narrow`() throws {
    #expect(throws: SnugError.self) { try evaluate(model, OverflowOptions(accumulatorBits: 12)) }
  }
}
