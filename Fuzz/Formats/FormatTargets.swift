import FuzzDriver
import GraphIR
import OnnxFormat
import TensorCore
import Verification

@testable import Datasets

/// Readers of the formats that models and data come in.
@main enum FormatTargets {
  static func main() { Fuzzer.main(models + arrays + images) }

  // MARK: Models

  private static let models = [
    FuzzTarget("onnx", mutator: ProtobufMutator(words: OnnxWords.all)) { bytes in
      guard let model = try? OnnxReader.read(bytes: bytes, resolver: OpaqueResolver()) else {
        return
      }
      // What was read can be written.
      _ = try? OnnxWriter.serialize(model)
    },
    FuzzTarget("verify", mutator: ProtobufMutator(words: OnnxWords.all)) { bytes in
      guard let model = try? OnnxReader.read(bytes: bytes, resolver: OpaqueResolver()) else {
        return
      }
      for bits in [nil, 16] { _ = try? Verifier.verify(model, accumulatorBits: bits) }
    },
    FuzzTarget("tensor", mutator: ProtobufMutator(words: [])) { bytes in
      let file = FuzzFile("input_0.pb")
      file.write(bytes)
      read(file.path, [1])
    },
  ]

  // MARK: Arrays

  private static let arrays = [
    FuzzTarget("npy") { bytes in
      let file = FuzzFile("x.npy")
      file.write(bytes)
      _ = try? NpyFile.read(file.path)
      read(file.path, [1, 2, 3])
    },
    FuzzTarget("npz", mutator: ZipMutator()) { bytes in
      let file = FuzzFile("x.npz")
      file.write(bytes)
      read(file.path, [2, 3, 4])
    },
    FuzzTarget("idx") { bytes in
      // The first byte says where labels begin.
      let cut = min(Int(bytes.first ?? 0), bytes.count)
      let images = FuzzFile("train-images-idx3-ubyte")
      images.write(bytes.dropFirst(cut))
      FuzzFile("train-labels-idx1-ubyte").write(bytes.prefix(cut).dropFirst())
      read(images.path, [1, 3, 2])
    },
    FuzzTarget("cifar") { bytes in
      let file = FuzzFile("data_batch_1.bin")
      file.write(bytes)
      read(file.path, [3, 32, 32])
    },
  ]

  /// Opens a data set as a model of so many values a sample asks for it, and reads its first and last ones.
  private static func read(_ path: String, _ shape: [Int]) {
    for dimensions in [shape.map { Dimension.fixed($0) }, shape.map { _ in .unknown }] {
      let input = DatasetRequest.Input(
        name: "x", type: TensorType(.float32, [.unknown] + dimensions))
      guard let data = try? DatasetLoader.open(path: path, for: DatasetRequest(inputs: [input]))
      else {
        continue
      }
      _ = try? data.batch([0])
      _ = try? data.batch([data.count - 1])
    }
  }

  // MARK: Images

  private static let images = [
    FuzzTarget("png", mutator: PNGMutator()) { decode($0) },
    FuzzTarget("jpeg") { decode($0) },
  ]

  /// Larger images are refused here: filling their pixels takes longer than reading them.
  private static let pixels = 1 << 18

  private static func decode(_ bytes: [UInt8]) {
    let file = FuzzFile("image")
    file.write(bytes)
    let decoder = ImageDecoder()
    guard let (width, height) = try? decoder.size(file.path), width * height <= pixels else {
      return
    }
    var image = Image()
    try? decoder.decode(file.path, into: &image)
  }
}
