import AccumulatorBounds
import GraphIR
import TensorCore
import TestSupport
import Verification

@testable import Reporting

/// Small models whose reports are recorded.
enum SampleModels {
  /// A first layer of 8 bits with a 32-bit accumulator, a hidden one constrained to 9 bits, and a float one.
  static func mixed(hiddenTarget: Int = 9) -> Model {
    var builder = GraphBuilder()
    let image = builder.quant(
      builder.input("image"), scale: 1 / 255, bits: 8, signed: false)
    let first = builder.node(
      "Conv", [image, weight(&builder, [2, 3, 3, 3], scales: [0.5, 0.25], bits: 8)],
      name: "/features/conv1/Conv")
    let hidden = builder.quant(
      builder.node("Relu", [first]), scale: 0.3346, bits: 4, signed: false)
    let second = builder.node(
      "Conv", [hidden, weight(&builder, [4, 2, 1, 1], scales: [1, 2, 3, 4], bits: 4)],
      name: "/features/conv2/Conv")
    let pooled = builder.node("GlobalAveragePool", [second], name: "pool")
    let last = builder.node(
      "Gemm", [pooled, weight(&builder, [3, 4], scales: [1, 1, 1], bits: 8)],
      [Attribute("transB", .int(1))], name: "classifier")
    builder.output(last)
    builder.metadata = [
      KeyValue(
        AccumulatorAnnotation.metadataKey,
        AccumulatorAnnotation.encode([
          entry("/features/conv1/Conv", target: 32, required: 19, bits: 8),
          entry("/features/conv2/Conv", target: hiddenTarget, required: 8, bits: 4),
        ]))
    ]
    var model = builder.model
    model.producerName = "snug"
    model.producerVersion = "0.1.0"
    return model
  }

  /// One certified layer.
  static var certified: Model {
    var builder = GraphBuilder()
    let x = builder.quant(builder.input(), scale: 0.125, bits: 4, signed: true)
    let y = builder.node(
      "MatMul",
      [
        x,
        builder.quant(
          builder.constant([0.25, -0.75, 0, 0.5], [2, 2]), scale: 0.25, bits: 3, signed: true,
          narrow: true),
      ], name: "fc")
    builder.graph[y].annotations = [KeyValue("finn_datatype", "SCALEDINT<7>")]
    builder.output(y)
    return builder.model
  }

  /// One layer of integers with a bias in its outer register: tiles of two reach 9, -12 and 6, their sums 25 and -15.
  static func tiled() -> Model {
    var builder = GraphBuilder()
    let x = builder.quant(builder.input(), bits: 2, signed: false)
    let w = builder.quant(
      builder.constant([3, 0, -1, -3, 2, -1], [1, 6], name: "w"), bits: 3, signed: true,
      narrow: true)
    let b = builder.quant(builder.constant([10], [1], name: "b"), bits: 6, signed: true)
    builder.output(builder.node("Gemm", [x, w, b], [Attribute("transB", .int(1))], name: "fc"))
    let entry = AccumulatorAnnotation(
      layer: "fc", output: "fc_out", weight: "w", targetBits: 5, requiredBits: 5, inputBits: 2,
      inputSigned: false, method: "exact", tiling: .init(size: 2, outerBits: 7))
    builder.metadata = [
      KeyValue(AccumulatorAnnotation.metadataKey, AccumulatorAnnotation.encode([entry]))
    ]
    return builder.model
  }

  private static func weight(
    _ builder: inout GraphBuilder, _ shape: [Int], scales: [Float], bits: Float
  ) -> ValueID {
    let count = shape.reduce(1, *)
    let perChannel = count / shape[0]
    let limit = Int(bits) == 8 ? 127 : 7
    let values = (0..<count).map { index in
      Float((index * 37 + 5) % (2 * limit + 1) - limit) * scales[index / perChannel]
    }
    return builder.quant(
      builder.constant(values, shape, name: "w"), scales: scales,
      [shape[0]] + shape.dropFirst().map { _ in 1 }, bits: bits, signed: true, narrow: true)
  }

  private static func entry(_ layer: String, target: Int, required: Int, bits: Int)
    -> AccumulatorAnnotation
  {
    AccumulatorAnnotation(
      layer: layer, output: "\(layer)_out", weight: "w", targetBits: target,
      requiredBits: required, inputBits: bits, inputSigned: false, method: "a2q+")
  }
}
