import Foundation
import GraphIR
import OnnxFormat
import Operators
import Quantization
import TestSupport
import Testing

/// Models that there is nothing to convert in.
@Suite struct RefusalTests {
  static func convert(_ path: String) throws {
    let model = try OnnxReader.read(path: path, resolver: Catalogue())
    _ = try Converter(Recipe()).convert(model, calibration: nil)
  }

  @Test(.enabled(if: Fixtures.shared != nil))
  func `attention without weights has nothing to constrain`() throws {
    let folder = try #require(Fixtures.shared)
    let error = #expect(throws: ConversionError.self) {
      try Self.convert(folder.appending(path: "models/attention-sdp.onnx").path)
    }
    guard case .nothingToQuantize(excluded: 0) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  @Test(
    .enabled(if: Fixtures.shared != nil),
    arguments: [
      "models/espcn-subpixel-brevitas", "golden/qonnx/mlp/model", "golden/qonnx/mlp/model_dynamo",
      "golden/qonnx/espcn/model_clean",
    ])
  func `a model with quantizers is refused as quantized already`(_ name: String) throws {
    let folder = try #require(Fixtures.shared)
    let error = #expect(throws: ConversionError.self) {
      try Self.convert(folder.appending(path: "\(name).onnx").path)
    }
    guard case .alreadyQuantized = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  @Test func `a converted file can't be converted again`() throws {
    let digits = PeerModel.digits
    let float = try OnnxReader.read(path: digits.path, resolver: Catalogue())
    let calibration = try #require(InMemoryCalibration([digits.samples(4, seed: 1)]))
    let result = try Converter(Recipe()).convert(float, calibration: calibration)
    let folder = try TemporaryFolder()
    let path = folder.path("out.onnx")
    try OnnxWriter.write(result.model, to: path)
    let error = #expect(throws: ConversionError.self) { try Self.convert(path) }
    guard case .alreadyQuantized = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }
}
