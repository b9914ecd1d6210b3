import AccumulatorBounds
import Foundation
import TensorCore
import TestSupport
import Testing

@testable import Quantizers

/// A case of reference vectors made with Brevitas 0.13.4: its description and its arrays.
struct GoldenCase: Sendable, CustomTestStringConvertible {
  let json: JSONValue
  private let folder: URL

  var testDescription: String { name }
  var name: String { string("name") }

  /// The cases of `fixtures/golden`, and the rest of them where they lie beside the checkout.
  static let all: [GoldenCase] = {
    let fixtures = load(Fixtures.root.appending(path: "golden"))
    let rest = Fixtures.shared.map { load($0.appending(path: "golden")) } ?? []
    let names = Set(fixtures.map(\.name))
    return fixtures + rest.filter { !names.contains($0.name) }
  }()

  static let weights = all.filter { $0.string("category") != "act" }
  static let activations = all.filter { $0.string("category") == "act" }

  private static func load(_ folder: URL) -> [GoldenCase] {
    guard let text = try? Data(contentsOf: folder.appending(path: "cases.json")),
      let cases = try? JSONValue(parsing: text)["cases"]?.arrayValue
    else { return [] }
    return cases.map { GoldenCase(json: $0, folder: folder) }
  }

  func string(_ key: String) -> String { json[key]?.stringValue ?? "" }
  func int(_ key: String) throws -> Int { Int(try #require(json[key]?.integerValue)) }
  func bool(_ key: String) throws -> Bool {
    let value: Bool? = json[key]?.boolValue
    return try #require(value as Bool?)
  }

  private func file(_ name: String) throws -> NumpyFile {
    if let archive = NumpyFile.archive(folder.appending(path: "\(self.name).npz")) {
      return try #require(archive[name], "\(self.name): \(name)")
    }
    let url = folder.appending(path: string("dir")).appending(path: "\(name).npy")
    return try #require(NumpyFile(url), "\(url.path)")
  }

  /// An array as it lies in its file.
  func floats(_ name: String) throws -> [Float] { try #require(file(name).floats) }

  /// An integer array as it lies in its file.
  func integers(_ name: String) throws -> [Int] { try #require(file(name).integers) }
}

/// The weight cases' view as output channels x K.
extension GoldenCase {
  var isCentred: Bool { string("quantizer") == "a2q_plus" }
  var isReference: Bool { json["brevitas_is_reference"]?.boolValue ?? true }
  var isTied: Bool { json["s_tied"]?.boolValue ?? true }

  func layer() throws -> WeightLayer {
    let shape = try #require(json["weight_shape"]?.arrayValue).compactMap(\.integerValue)
    let channels = Int(shape[try int("output_channel_dim")])
    let input = try #require(
      IntegerRange(bits: try int("N"), signed: try bool("input_signed")))
    let accumulator = try #require(AccumulatorRange(bits: try int("P")))
    let budget = try #require(AccumulatorBudget(input: input, accumulator: accumulator))
    return WeightLayer(
      channels: channels, length: try int("fan_in"), bits: try int("M"), budget: budget)
  }

  func quantizer() throws -> any WeightQuantizer {
    let name = isCentred ? "a2q+" : "a2q"
    return try #require(WeightQuantizers.named(name)).init(layer())
  }

  func core() throws -> NormConstrainedQuantizer {
    isCentred ? A2QPlusQuantizer(try layer()).core : A2QQuantizer(try layer()).core
  }

  /// A float array of the weight's shape, as channels x K.
  func rows(_ name: String) throws -> [Float] { try channelMajor(floats(name)) }

  /// An integer array of the weight's shape, as channels x K.
  func integerRows(_ name: String) throws -> [Int] { try channelMajor(integers(name)) }

  private func channelMajor<Element>(_ elements: [Element]) throws -> [Element] {
    let shape = try #require(json["weight_shape"]?.arrayValue).compactMap(\.integerValue)
    guard try int("output_channel_dim") == 1 else { return elements }
    // I O (kernel): exchange the first two dimensions.
    let (inputs, outputs) = (Int(shape[0]), Int(shape[1]))
    let kernel = elements.count / (inputs * outputs)
    var result: [Element] = []
    for output in 0..<outputs {
      for input in 0..<inputs {
        let start = (input * outputs + output) * kernel
        result += elements[start..<start + kernel]
      }
    }
    return result
  }

  /// Each channel as stored: `pre_scale` and the rest taken, not computed.
  func storedChannels() throws -> [NormChannel] {
    let bound = try floats("T")[0]
    let scale = try floats("s")
    let inner = try floats("s_pre")
    let norm = try floats("g")
    let distance = try floats("d_w")
    let centre = isCentred ? try floats("z") : scale.map { _ in 0 }
    return scale.indices.map {
      NormChannel(
        scale: scale[$0], innerScale: inner[$0], norm: norm[$0], bound: bound,
        centre: centre[$0], distance: distance[$0])
    }
  }
}
