import Foundation
import GraphIR
import OnnxFormat
import TestSupport
import Testing

@testable import Verification

/// Models that Brevitas exported, with the integers that it computed itself.
@Suite(.enabled(if: Fixtures.shared != nil)) struct ReferenceModelTests {
  static func url(_ path: String) throws -> URL {
    try #require(Fixtures.shared).appending(path: path)
  }

  static func read(_ path: String) throws -> Model {
    try OnnxReader.read(path: url(path).path, resolver: OpaqueResolver())
  }

  struct Layer: Sendable {
    var model: String
    var index: Int
    var file: String
    var maximum: Int128
    var minimum: Int128
    var bits: Int
  }

  /// Worst cases as the reference files' index states them.
  static let layers = [
    Layer(model: "mlp", index: 0, file: "fc1", maximum: 11476, minimum: -11474, bits: 15),
    Layer(model: "mlp", index: 1, file: "fc2", maximum: 1020, minimum: -1005, bits: 11),
    Layer(model: "espcn", index: 0, file: "conv1", maximum: 637500, minimum: -635205, bits: 21),
    Layer(model: "espcn", index: 1, file: "conv2", maximum: 3420, minimum: -3480, bits: 13),
    Layer(model: "espcn", index: 2, file: "conv3", maximum: 3405, minimum: -3405, bits: 13),
  ]

  @Test(arguments: layers, ["model", "model_clean", "model_dynamo"])
  func `integers, worst case and width equal the reference`(
    _ expected: Layer, _ variant: String
  ) throws {
    let model = try Self.read("golden/qonnx/\(expected.model)/\(variant).onnx")
    let layer = try Verifier.verify(model).layers[expected.index].layer
    let file = try Self.url("golden/qonnx/\(expected.model)/weight_int__\(expected.file).npy")
    let reference = try #require(NumpyFile(file))
    #expect(layer.integers.flatMap { $0 }.map(Int.init) == reference.integers)
    #expect(layer.dotLength == reference.shape.dropFirst().reduce(1, *))
    #expect(layer.channels.map(\.worstCase.maximum).max() == expected.maximum)
    #expect(layer.channels.map(\.worstCase.minimum).min() == expected.minimum)
    #expect(layer.requiredBits == expected.bits)
    #expect(layer.weight?.inexactCount == 0)
  }

  @Test func `the exporter's plain output is refuted where its rounding overflows`() throws {
    let model = try Self.read("golden/qonnx/espcn/model_raw.onnx")
    let layers = try Verifier.verify(model, accumulatorBits: 13).layers
    let expected: [(index: Int, worst: Int128)] = [(1, 4665), (2, 4620)]
    for (index, worst) in expected {
      let verdict = layers[index]
      #expect(!verdict.isCertified)
      let counterexample = try #require(verdict.counterexample)
      #expect(abs(counterexample.sum) == worst)
      let weights = verdict.layer.integers[counterexample.channel]
      let sum = zip(weights, counterexample.input).reduce(Int128(0)) {
        $0 + Int128($1.0) * Int128($1.1)
      }
      #expect(sum == counterexample.sum)
      #expect((verdict.layer.weight?.inexactCount ?? 0) > 0)
    }
    let reference = try Self.read("golden/qonnx/espcn/model.onnx")
    let certified = try Verifier.verify(reference, accumulatorBits: 13).layers
    #expect(certified[1].isCertified && certified[2].isCertified)
  }

  @Test func `a model of the legacy domain is analysed, its float input reported`() throws {
    let model = try Self.read("models/espcn-subpixel-brevitas.onnx")
    let layers = try Verifier.verify(model).layers
    #expect(layers.map(\.layer.isQuantized) == [false, true, true, true])
    #expect(
      layers[0].findings.first
        == .obstacle(.unquantizedInput(value: "x.7", origin: .graphInput)))
    #expect(layers[0].layer.weight?.bits == 8)
    #expect(layers[0].layer.dotLength == 75)
    #expect(layers[1].layer.input?.bits == 4)
    #expect(layers[1].layer.dataTypeBits == 18)
    #expect(layers[1].findings == [.noTarget])
  }

  @Test(arguments: [
    "mnist-conv", "mlperf-resnet8", "mlperf-kws", "mlperf-vww", "mlperf-ad", "vnncomp-resnet2b",
    "acasxu-1-2", "attention-sdp", "cifar10-resnet20", "cifar10-mobilenet", "unet-x3",
  ])
  func `a float model is not certifiable, and every layer says why`(_ name: String) throws {
    let result = try Verifier.verify(Self.read("models/\(name).onnx"), accumulatorBits: 32)
    #expect(!result.isCertified)
    #expect(!result.isRefuted)
    #expect(!result.layers.isEmpty)
    for verdict in result.layers where !verdict.layer.isQuantized {
      #expect(verdict.findings.count == 1)
    }
  }
}
