import Foundation
import TensorCore
import TestSupport
import Testing

/// A float model that conversion is tried on.
struct PeerModel: Sendable, CustomTestStringConvertible {
  /// How inputs are drawn: what the model was trained on, roughly.
  enum Values: Sendable { case normal, bytes, unit }

  let path: String
  /// The shape of one sample.
  let shape: [Int]
  var values = Values.normal
  /// True where the file's batch is 1.
  var isBatchFixed = false

  var testDescription: String { URL(filePath: path).lastPathComponent }

  /// The models that are there: the digit classifier always, the larger ones where the checkout has them.
  /// The models that are there: the digit classifier always, the larger ones where the checkout has them.
  static let present: [PeerModel] = [digits] + real

  static let digits = PeerModel(
    path: Fixtures.path("digits/model.onnx"), shape: [1, 8, 8], values: .unit)

  private static let real: [PeerModel] = [
    shared("acasxu-1-2", [1, 1, 5], isBatchFixed: true),
    shared("cifar10-mobilenet", [3, 32, 32]),
    shared("cifar10-resnet20", [3, 32, 32]),
    shared("cifar10-resnet20-folded", [3, 32, 32]),
    shared("espcn-subpixel-float", [3, 4, 4], .unit, isBatchFixed: true),
    shared("espcn-x3", [3, 12, 16], .unit),
    shared("mlperf-ad", [640]),
    shared("mlperf-kws", [49, 10, 1]),
    shared("mlperf-resnet8", [32, 32, 3], .bytes),
    shared("mlperf-vww", [96, 96, 3], .unit),
    shared("mnist-conv", [1, 28, 28], .bytes, isBatchFixed: true),
    shared("unet-x3", [3, 16, 12], .unit),
    shared("vnncomp-resnet2b", [3, 32, 32], isBatchFixed: true),
  ].compactMap { $0 }

  private static func shared(
    _ name: String, _ shape: [Int], _ values: Values = .normal, isBatchFixed: Bool = false
  ) -> PeerModel? {
    Fixtures.shared.map {
      PeerModel(
        path: $0.appending(path: "models/\(name).onnx").path, shape: shape, values: values,
        isBatchFixed: isBatchFixed)
    }
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
