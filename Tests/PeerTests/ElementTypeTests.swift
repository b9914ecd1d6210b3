import GraphIR
import OnnxFormat
import Operators
import Quantization
import TensorCore
import TestSupport
import Testing

/// Models whose weights are not float32.
@Suite(.enabled(if: Peers.python != nil, Comment(rawValue: Peers.hint)))
struct ElementTypeTests {
  @Test func `weights of other precisions give the file that the same values in float32 give`()
    throws
  {
    let models = try BuiltModels()
    for name in ["float16", "bfloat16", "double"] {
      let (model, twin) = (try models["\(name)"], try models["\(name)-twin"])
      let (file, expected) = (try Self.convert(model), try Self.convert(twin))
      #expect(try Self.initializers(file) == Self.initializers(expected), "\(name)")
      #expect(file.metadata == expected.metadata)
    }
  }

  static func convert(_ model: PeerModel) throws -> Model {
    let float = try OnnxReader.read(path: model.path, resolver: Catalogue())
    let calibration = try #require(InMemoryCalibration([model.samples(8, seed: 1)]))
    return try Converter(Widths.all[1].recipe).convert(float, calibration: calibration).model
  }

  static func initializers(_ model: Model) throws -> [String: [Float]] {
    var values: [String: [Float]] = [:]
    for id in model.graph.valueIDs {
      guard let constant = model.graph[id].constant else { continue }
      values[model.graph[id].name.replacing("_16", with: "")] = constant.elements(of: Float.self)
    }
    return values
  }
}
