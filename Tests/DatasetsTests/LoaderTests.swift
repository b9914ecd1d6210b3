import CZlib
import OnnxFormat
import TensorCore
import TestSupport
import Testing

import class Foundation.FileManager

@testable import Datasets

@Suite struct LoaderTests {
  /// Records of a label and 3072 pixels whose value is the label times 20 plus the plane.
  static func cifar(_ labels: [UInt8]) -> [UInt8] {
    labels.flatMap { label in
      [label] + (0..<3).flatMap { plane in [UInt8](repeating: label * 20 + plane, count: 1024) }
    }
  }

  static let color = request([.symbolic("N"), 3, 32, 32], classCount: 10)
  static let grey = request([.symbolic("N"), 1, 2, 3], classCount: 10)

  @Test func `CIFAR-10 batches are joined in order, without the test batch`() throws {
    let folder = try TemporaryFolder()
    _ = try folder.write(Self.cifar([3, 7]), to: "data_batch_1.bin")
    _ = try folder.write(Self.cifar([9]), to: "data_batch_2.bin")
    let test = try folder.write(Self.cifar([5]), to: "test_batch.bin")
    let dataset = try DatasetLoader.open(path: folder.url.path, for: Self.color)
    #expect(dataset.count == 3)
    let batch = try dataset.batch([2, 1])
    #expect(batch.labels == [9, 7])
    let values = batch.inputs[0].elements(of: Float.self)
    #expect(values[0] == 180 && values[1024] == 181 && values[3071] == 182 && values[3072] == 140)
    #expect(try DatasetLoader.open(path: test, for: Self.color).batch([0]).labels == [5])
    let last = try DatasetLoader.open(path: test, for: request([.unknown, 32, 32, 3]))
    #expect(
      Array(try last.batch([0]).inputs[0].elements(of: Float.self)[..<4]) == [100, 101, 102, 100])
  }

  @Test func `a damaged CIFAR-10 batch is refused`() throws {
    let folder = try TemporaryFolder()
    let short = try folder.write(Array(Self.cifar([1]).dropLast()), to: "short.bin")
    #expect(
      throws: DatasetError.malformed(
        path: short, format: .cifar, field: "size", expected: "a multiple of 3073 bytes",
        actual: "3072 bytes")
    ) { try DatasetLoader.open(path: short, for: Self.color) }
    let label = try folder.write([10] + Self.cifar([1]).dropFirst(), to: "label.bin")
    #expect(throws: DatasetError.labelOutOfRange(path: label, sample: 0, label: 10, classes: 10)) {
      try DatasetLoader.open(path: label, for: Self.color)
    }
  }

  @Test(arguments: [false, true])
  func `IDX images come with the labels beside them`(isCompressed: Bool) throws {
    let folder = try TemporaryFolder()
    let images = idx([2, 2, 3], (0..<12).map(UInt8.init))
    let labels = idx([2], [4, 2])
    let end = isCompressed ? ".gz" : ""
    for (name, bytes) in [("train-images-idx3-ubyte", images), ("train-labels-idx1-ubyte", labels)]
    {
      _ = try folder.write(isCompressed ? try Self.gzip(bytes) : bytes, to: name + end)
    }
    _ = try folder.write(images, to: "t10k-images-idx3-ubyte")
    for path in [folder.url.path, folder.path("train-images-idx3-ubyte" + end)] {
      let batch = try DatasetLoader.open(path: path, for: Self.grey).batch([1, 0])
      #expect(batch.labels == [2, 4])
      #expect(batch.inputs[0].elements(of: Float.self) == [6, 7, 8, 9, 10, 11, 0, 1, 2, 3, 4, 5])
    }
    let flat = try DatasetLoader.open(path: folder.url.path, for: request([.unknown, 6]))
    #expect(try flat.batch([0]).inputs[0].shape == [1, 6])
    let unlabelled = try DatasetLoader.open(
      path: folder.path("t10k-images-idx3-ubyte"), for: Self.grey)
    #expect(unlabelled.reference == .none)
  }

  @Test func `damaged IDX files are refused`() throws {
    let folder = try TemporaryFolder()
    let bytes = idx([2, 2, 3], (0..<12).map(UInt8.init))
    for length in 4..<bytes.count {
      let path = try folder.write(Array(bytes[..<length]), to: "images-idx3-ubyte")
      #expect(throws: DatasetError.self) { try DatasetLoader.open(path: path, for: Self.grey) }
    }
    let compressed = try Self.gzip(bytes)
    for length in 2..<compressed.count {
      let path = try folder.write(Array(compressed[..<length]), to: "images-idx3-ubyte.gz")
      #expect(throws: DatasetError.self) { try DatasetLoader.open(path: path, for: Self.grey) }
    }
    let huge = try folder.write(
      [0, 0, 8, 3] + bigEndian(0xFFFF_FFFF) + bigEndian(0xFFFF_FFFF) + bigEndian(0xFFFF_FFFF),
      to: "images-idx3-ubyte")
    #expect(throws: DatasetError.self) { try DatasetLoader.open(path: huge, for: Self.grey) }
    let images = try folder.write(bytes, to: "images-idx3-ubyte")
    let labels = try folder.write(idx([3], [1, 2, 3]), to: "labels-idx1-ubyte")
    #expect(throws: DatasetError.sampleCount(path: labels, field: "labels", expected: 2, actual: 3))
    {
      try DatasetLoader.open(path: images, for: Self.grey)
    }
  }

  @Test func `TensorProto files give inputs and references`() throws {
    let folder = try TemporaryFolder()
    for (set, value) in [("test_data_set_0", Float(1)), ("test_data_set_1", 2)] {
      try FileManager.default.createDirectory(
        atPath: folder.path(set), withIntermediateDirectories: true)
      try TensorFile.write(
        Tensor([value, -value], shape: [1, 2]), to: folder.path("\(set)/input_0.pb"))
      try TensorFile.write(
        Tensor([value * 10], shape: [1, 1]), to: folder.path("\(set)/output_0.pb"))
    }
    let two = request([.fixed(1), 2])
    let dataset = try DatasetLoader.open(path: folder.url.path, for: two)
    #expect(dataset.count == 2)
    let batch = try dataset.batch([1])
    #expect(batch.inputs[0].elements(of: Float.self) == [2, -2])
    #expect(batch.targets?.elements(of: Float.self) == [20])
    let set = folder.path("test_data_set_0")
    #expect(try DatasetLoader.open(path: set, for: two).count == 1)
    #expect(try DatasetLoader.open(path: set + "/input_0.pb", for: two).reference == .none)
    let pair = DatasetRequest(inputs: two.inputs + [.init(name: "b", type: two.inputs[0].type)])
    #expect(
      throws: DatasetError.missingEntry(
        path: set, entry: "input_1.pb", found: ["input_0.pb", "output_0.pb"])
    ) { try DatasetLoader.open(path: set, for: pair) }
  }

  @Test func `a path without data says what is taken`() throws {
    let folder = try TemporaryFolder()
    #expect(throws: DatasetError.unrecognized(path: folder.url.path)) {
      try DatasetLoader.open(path: folder.url.path, for: .anyColor)
    }
    let missing = folder.path("missing")
    #expect(throws: DatasetError.file(FileError(.read, missing, code: 2))) {
      try DatasetLoader.open(path: missing, for: .anyColor)
    }
    #expect(throws: DatasetError.notRegularFile(path: "/dev/null")) {
      try DatasetLoader.open(path: "/dev/null", for: .anyColor)
    }
    let text = try folder.write(Array("plain text".utf8), to: "notes.txt")
    #expect(throws: DatasetError.unrecognized(path: text)) {
      try DatasetLoader.open(path: text, for: .anyColor)
    }
  }

  @Test func `a folder of splits asks which one`() throws {
    let folder = try ImageDatasetTests.classFolders(["train/a": ["rgb.png"], "test/a": ["rgb.png"]])
    #expect(
      throws: DatasetError.ambiguous(path: folder.url.path, choices: ["test", "train"])
    ) { try DatasetLoader.open(path: folder.url.path, for: .anyColor) }
  }

  @Test func `folders beside images are classes only for a classifier`() throws {
    let folder = try ImageDatasetTests.classFolders(["a": ["rgb.png"], "b": ["rgba.png"]])
    _ = try folder.write(fileBytes(Fixtures.path("images/rgb.png")), to: "loose.png")
    let flat = try DatasetLoader.open(path: folder.url.path, for: .anyColor)
    #expect(flat.count == 1)
    #expect(throws: DatasetError.noReference(path: folder.url.path, needed: .labels)) {
      try flat.require(.labels)
    }
    var classifier = DatasetRequest.anyColor
    classifier.task = .classification
    let classes = try DatasetLoader.open(path: folder.url.path, for: classifier)
    #expect(classes.count == 2)
    try classes.require(.labels)
  }

  @Test func `a class folder without images is refused`() throws {
    let folder = try ImageDatasetTests.classFolders(["a": ["rgb.png"], "b": []])
    #expect(throws: DatasetError.empty(path: folder.path("b"), what: "the class folder")) {
      try DatasetLoader.open(path: folder.url.path, for: .anyColor)
    }
  }

  @Test func `random and damaged files of every kind never trap`() throws {
    let folder = try TemporaryFolder()
    var generator = SeededGenerator(state: 3)
    let gzip = try Self.gzip(idx([2, 2, 3], (0..<12).map(UInt8.init)))
    let starts: [[UInt8]] = [
      NpyHeader.magic + [1, 0, 118, 0], [0x50, 0x4B, 3, 4], [0xFF, 0xD8, 0xFF, 0xE0],
      PNGDecoder.signature, [0x1F, 0x8B, 8], [0, 0, 8, 3], [],
    ]
    var files = starts.flatMap { start in
      (0..<8).map { _ in
        start + (0..<400).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
      }
    }
    for whole in [
      try fileBytes(Fixtures.path("arrays/stored.npz")),
      try fileBytes(Fixtures.path("arrays/deflated.npz")),
      try fileBytes(Fixtures.path("arrays/f4.npy")), gzip,
    ] {
      for _ in 0..<60 {
        var damaged = whole
        damaged[Int.random(in: whole.indices, using: &generator)] = UInt8.random(
          in: .min ... .max, using: &generator)
        files.append(damaged)
      }
    }
    for (bytes, name) in zip(files, ["x.npy", "x.pb", "x.bin", "images-idx3-ubyte.gz"].cycled()) {
      let path = try folder.write(bytes, to: name)
      for model in [
        Self.color, Self.grey, request([.unknown, 2, 3, 4]), request([.unknown, 3, 4]),
      ] {
        if let error = failure(path: path, for: model) {
          #expect("\(error)".contains(folder.url.path))
        }
      }
    }
  }

  static func gzip(_ bytes: [UInt8]) throws -> [UInt8] {
    var stream = z_stream()
    let size = Int32(MemoryLayout<z_stream>.size)
    try #require(
      deflateInit2_(&stream, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, size) == Z_OK)
    defer { deflateEnd(&stream) }
    var input = bytes
    var output = [UInt8](repeating: 0, count: bytes.count + 100)
    let produced = input.withUnsafeMutableBufferPointer { input in
      output.withUnsafeMutableBufferPointer { output in
        stream.next_in = input.baseAddress
        stream.avail_in = UInt32(input.count)
        stream.next_out = output.baseAddress
        stream.avail_out = UInt32(output.count)
        _ = deflate(&stream, Z_FINISH)
        return output.count - Int(stream.avail_out)
      }
    }
    return Array(output[..<produced])
  }
}

extension Array {
  /// The elements over and over.
  fileprivate func cycled() -> some Sequence<Element> {
    (0..<Int.max).lazy.map { self[$0 % count] }
  }
}
