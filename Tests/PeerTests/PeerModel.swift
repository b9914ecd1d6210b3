import Foundation
import TensorCore
import TestSupport
import Testing

/// A float model that conversion is tried on.
struct PeerModel: Sendable, CustomTestStringConvertible {
  /// How inputs are drawn: what the model was trained on, roughly.
  enum Values: Sendable { case normal, bytes, unit }

  let name: String
  /// The shape of one sample.
  let shape: [Int]
  var values = Values.normal
  /// True where the file's batch is 1.
  var isBatchFixed = false
  /// True for a file in `fixtures/`.
  var isFixture = false

  var testDescription: String { name }

  /// The models that are there: the digit classifier always, the larger ones where the checkout has them.
  static let present: [PeerModel] = [digits] + (Fixtures.shared == nil ? [] : real)

  static let digits = PeerModel(name: "digits", shape: [1, 8, 8], values: .unit, isFixture: true)

  private static let real = [
    PeerModel(name: "acasxu-1-2", shape: [1, 1, 5], isBatchFixed: true),
    PeerModel(name: "cifar10-mobilenet", shape: [3, 32, 32]),
    PeerModel(name: "cifar10-resnet20", shape: [3, 32, 32]),
    PeerModel(name: "cifar10-resnet20-folded", shape: [3, 32, 32]),
    PeerModel(
      name: "espcn-subpixel-float", shape: [3, 4, 4], values: .unit, isBatchFixed: true),
    PeerModel(name: "espcn-x3", shape: [3, 12, 16], values: .unit),
    PeerModel(name: "mlperf-ad", shape: [640]),
    PeerModel(name: "mlperf-kws", shape: [49, 10, 1]),
    PeerModel(name: "mlperf-resnet8", shape: [32, 32, 3], values: .bytes),
    PeerModel(name: "mlperf-vww", shape: [96, 96, 3], values: .unit),
    PeerModel(name: "mnist-conv", shape: [1, 28, 28], values: .bytes, isBatchFixed: true),
    PeerModel(name: "unet-x3", shape: [3, 16, 12], values: .unit),
    PeerModel(name: "vnncomp-resnet2b", shape: [3, 32, 32], isBatchFixed: true),
  ]

  /// The model's file.
  func path() throws -> String {
    if isFixture { return Fixtures.path("\(name)/model.onnx") }
    return try #require(Fixtures.shared).appending(path: "models/\(name).onnx").path
  }

  /// Random samples, the same in every run for the same seed.
  func samples(_ count: Int, seed: UInt64) -> Tensor {
    var generator = SplitMix(seed: seed)
    let shape = [count] + shape
    let elements = (0..<shape.reduce(1, *)).map { _ in draw(&generator) }
    return Tensor(elements, shape: shape)
  }

  private func draw(_ generator: inout SplitMix) -> Float {
    switch values {
    case .unit: Float.random(in: 0...1, using: &generator)
    case .bytes: Float(Int.random(in: 0...255, using: &generator))
    case .normal:
      // Irwin and Hall's sum of twelve.
      (0..<12).reduce(-6) { sum, _ in sum + Float.random(in: 0..<1, using: &generator) }
    }
  }
}
