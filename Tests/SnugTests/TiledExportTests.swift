import AccumulatorBounds
import GraphIR
import OnnxFormat
import Snug
import TensorCore
import TestSupport
import Testing

/// Channels-last exports of files whose sums are cut into tiles: other products share a tile there.
@Suite struct TiledExportTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// Two input channels and a kernel of 1 x 2 on unsigned inputs of two bits, in tiles of two products.
  ///
  /// By input channel first the tiles are (3, 0) and (3, 1); by kernel column first (3, 3) and (0, 1).
  private func convolution(accumulatorBits: Int) throws -> ModelFile {
    var builder = GraphBuilder()
    let shape = TensorType(.float32, shape: [1, 2, 1, 2])
    let x = builder.quant(builder.input("x", shape), bits: 2, signed: false)
    let w = builder.quant(
      builder.constant([3, 0, 3, 1], [1, 2, 1, 2], name: "w"), bits: 3, signed: true, narrow: true)
    builder.output(
      builder.node("Conv", [x, w], type: TensorType(.float32, shape: [1, 1, 1, 1]), name: "conv"))
    let entry = AccumulatorAnnotation(
      layer: "conv", output: "conv_out", weight: "w", targetBits: accumulatorBits, requiredBits: 5,
      inputBits: 2, inputSigned: false, method: "exact", tiling: .init(size: 2, outerBits: 8))
    builder.metadata = [
      KeyValue(AccumulatorAnnotation.metadataKey, AccumulatorAnnotation.encode([entry]))
    ]
    let path = folder.path("conv.onnx")
    try OnnxWriter.write(builder.model, to: path)
    return ModelFile(path)
  }

  static var forms: [ExportOptions] {
    var channelsLast = ExportOptions(format: .qonnx)
    channelsLast.channelsLast = true
    return [channelsLast, ExportOptions(format: .hls4ml)]
  }

  @Test(arguments: forms)
  func `tiles are certified in the order that is written`(options: ExportOptions) throws {
    let file = try convolution(accumulatorBits: 6)
    // At most 3 * (3 + 1) = 12, and 3 * (3 + 3) = 18.
    #expect(try file.verify().result.layers.map(\.requiredBits) == [5])
    let turned = try file.export(to: folder.path("turned.onnx"), options).report.result
    #expect(turned.isCertified)
    #expect(turned.layers.map(\.requiredBits) == [6])
    #expect(turned.layers.map { $0.tiles?.outerBits } == [8])
  }

  @Test(arguments: forms)
  func `an export whose order a tile doesn't fit is refused by the layer's name`(
    options: ExportOptions
  ) throws {
    let file = try convolution(accumulatorBits: 5)
    #expect(try file.verify().result.isCertified)
    let error = try #require(throws: SnugError.self) {
      _ = try file.export(to: folder.path("turned.onnx"), options)
    }
    let text = "\(error.diagnostic)"
    #expect(text.contains("layer 'conv'") && text.contains("overflow 5 bits; 6 are required"))
  }

  @Test(arguments: [ExportOptions(format: .qonnx)] + forms)
  func `a file that overflowed before is not exported, and the layer named`(options: ExportOptions)
    throws
  {
    let file = try convolution(accumulatorBits: 4)
    #expect(try !file.verify().result.isCertified)
    let error = try #require(throws: SnugError.self) {
      _ = try file.export(to: folder.path("turned.onnx"), options)
    }
    guard case .notCertified(_, let layers) = error else { throw error }
    #expect(layers.map(\.name) == ["conv"])
    #expect(try folder.contents() == ["conv.onnx"])
  }

  @Test func `registers are emulated in the order of the file`() throws {
    let file = try convolution(accumulatorBits: 6)
    let turned = ModelFile(folder.path("turned.onnx"))
    _ = try file.export(to: turned.path, Self.forms[0])
    // All inputs are 3: the sums are 9 and 12 by input channel first, 18 and 3 by kernel column first.
    for (file, shape, inTiles) in [(file, [1, 2, 1, 2], 0), (turned, [1, 1, 2, 2], 1)] {
      let sample = try TemporaryFolder()
      try TensorFile.write(
        Tensor([Float](repeating: 3, count: 4), shape: shape), to: sample.path("input_0.pb"))
      try TensorFile.write(
        Tensor([Float(21)], shape: [1, 1, 1, 1]), to: sample.path("output_0.pb"))
      var options = EvaluationOptions()
      options.preprocessing.task = .regression
      options.overflow = OverflowOptions(accumulatorBits: 5, overflow: .count, layers: .all)
      let result = try file.evaluate(on: sample.url.path, options)
      #expect(result.value == 0)
      #expect(result.overflow?.total.counts.inTiles == inTiles)
      options.overflow?.overflow = .wrap
      // 18 wraps to -14 in five bits.
      let wrapped = try file.evaluate(on: sample.url.path, options)
      #expect(wrapped.value == (inTiles == 0 ? 0 : 32 * 32))
    }
  }
}
