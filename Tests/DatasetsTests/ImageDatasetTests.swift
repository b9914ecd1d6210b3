import TensorCore
import TestSupport
import Testing

import class Foundation.FileManager

@testable import Datasets

@Suite struct ImageDatasetTests {
  static let names = [
    "rgb-420.jpg", "rgb-444.jpg", "rgb-422-progressive.jpg", "grey.jpg", "rgb.png", "rgb-gamma.png",
    "rgba.png", "grey.png", "grey-alpha.png", "palette.png", "bilevel.png",
  ]

  /// A folder with one class folder for each of `classes`, holding the fixture images of its value.
  static func classFolders(_ classes: [String: [String]]) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    for (name, images) in classes {
      let path = folder.path(name)
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      for image in images {
        let target = FilePath.name(of: image)
        try FileManager.default.copyItem(
          atPath: Fixtures.path("images/\(image)"), toPath: "\(path)/\(target)")
      }
    }
    return folder
  }

  @Test(arguments: names)
  func `pixels are those that Pillow decodes, as RGB and as grey`(name: String) throws {
    let expected = Fixtures.path("images/pixels.npz")
    let path = Fixtures.path("images/\(name)")
    let color = try DatasetLoader.open(path: path, for: .anyColor).batch([0]).inputs[0]
    #expect(color.shape == [1, 3, 29, 37])
    #expect(color.elements(of: Float.self) == planar(try npzEntry(expected, "\(name):rgb")))
    let grey = try DatasetLoader.open(path: path, for: .anyGrey).batch([0]).inputs[0]
    #expect(grey.shape == [1, 1, 29, 37])
    #expect(grey.elements(of: Float.self) == planar(try npzEntry(expected, "\(name):grey")))
  }

  @Test func `16-bit pixels are scaled to 8 bits`() throws {
    let path = Fixtures.path("images/grey-16-bit.png")
    let grey = try DatasetLoader.open(path: path, for: .anyGrey).batch([0]).inputs[0]
    let expected = try npzEntry(Fixtures.path("images/pixels.npz"), "grey-16-bit.png:grey")
    #expect(grey.elements(of: Float.self) == planar(expected))
  }

  @Test func `channels last and normalisation are applied`() throws {
    let normalization = Normalization(
      mean: [0.4914, 0.4822, 0.4465], std: [0.2471, 0.2435, 0.2616], inputScale: 1 / 255)
    let path = Fixtures.path("images/rgb.png")
    let dataset = try DatasetLoader.open(
      path: path, for: request([.unknown, 29, 37, 3], normalization: normalization))
    let pixels = try npzEntry(Fixtures.path("images/pixels.npz"), "rgb.png:rgb")
      .elements(of: UInt8.self)
    let values = try dataset.batch([0]).inputs[0].elements(of: Float.self)
    for (index, value) in values.enumerated() {
      let x = Double(pixels[index]) / 255
      #expect(
        abs(Double(value) - (x - normalization.mean[index % 3]) / normalization.std[index % 3])
          < 1e-6)
    }
  }

  @Test func `classes are sorted by code points and labels follow`() throws {
    let folder = try Self.classFolders([
      "b": ["rgb.png"], "a": ["rgba.png", "rgb-420.jpg"], "B": ["grey.jpg"], "é": ["grey.png"],
    ])
    try FileManager.default.createDirectory(
      atPath: folder.path(".hidden"), withIntermediateDirectories: true)
    let dataset = try DatasetLoader.open(path: folder.url.path, for: .anyColor)
    #expect(dataset.classNames == ["B", "a", "b", "é"])
    let batch = try dataset.batch([0, 1, 2, 3, 4])
    #expect(batch.labels == [0, 1, 1, 2, 3])
    // Within a class, files are sorted by name.
    let first = try npzEntry(Fixtures.path("images/pixels.npz"), "rgb-420.jpg:rgb")
    #expect(
      Array(batch.inputs[0].elements(of: Float.self)[3 * 29 * 37..<2 * 3 * 29 * 37])
        == planar(first))
  }

  @Test func `a second read gives the same pixels`() throws {
    let folder = try Self.classFolders(["a": Self.names])
    let dataset = try DatasetLoader.open(
      path: folder.url.path, for: request([.unknown, 3, 29, 37]))
    let all = Array(0..<dataset.count)
    let first = try dataset.batch(all)
    #expect(
      try dataset.batch(all.reversed()).inputs[0].slice(0..<1) == first.inputs[0].slice(10..<11))
    // Without the files, what was decoded is still there.
    try FileManager.default.removeItem(at: folder.url)
    #expect(try dataset.batch(all).inputs == first.inputs)
  }

  @Test func `an image of another size is refused with what to do`() throws {
    let path = Fixtures.path("images/rgb.png")
    let error = #expect(throws: DatasetError.self) {
      try DatasetLoader.open(path: path, for: request([.unknown, 3, 32, 32]))
    }
    #expect(
      error.map { "\($0)" }
        == "\(path): is 37x29 pixels (width x height), but the model's input 'input' takes 32x32; "
        + "resize the images")
  }

  @Test func `images of several sizes are planned into batches of one size`() throws {
    let folder = try Self.classFolders(["a": ["rgb.png", "rgba.png"]])

    _ = try folder.write(fileBytes(Fixtures.path("images/two-pixels.png")), to: "a/rgb2.png")
    let dataset = try DatasetLoader.open(path: folder.url.path, for: .anyColor)
    #expect(BatchStream.sequentialPlan(dataset, batchSize: 2) == [[0], [1], [2]])
    #expect(throws: DatasetError.self) { try dataset.batch([0, 1]) }
    #expect(dataset.sampleShape(at: 1) == [3, 1, 2])
    #expect(try dataset.batch([1]).inputs[0].elements(of: Float.self) == [1, 4, 2, 5, 3, 6])
  }

  @Test func `CMYK, text and empty files are refused`() throws {
    let folder = try TemporaryFolder()
    let cmyk = Fixtures.path("images/cmyk.jpg")
    #expect(
      throws: DatasetError.unsupported(path: cmyk, format: .jpeg, feature: "CMYK colours")
    ) { try DatasetLoader.open(path: cmyk, for: .anyColor) }
    let text = try folder.write(Array("hello".utf8), to: "a.jpg")
    #expect(throws: DatasetError.unrecognized(path: text)) {
      try DatasetLoader.open(path: text, for: .anyColor)
    }
    #expect(throws: DatasetError.self) {
      try DatasetLoader.open(path: folder.url.path, for: .anyColor)
    }
    let empty = try folder.write([], to: "b.png")
    #expect(throws: DatasetError.empty(path: empty, what: "the file")) {
      try DatasetLoader.open(path: empty, for: .anyColor)
    }
  }

  @Test func `a model without an image input can't take images`() {
    let error = #expect(throws: DatasetError.self) {
      try DatasetLoader.open(
        path: Fixtures.path("images/rgb.png"), for: request([.unknown, 640]))
    }
    #expect(
      error
        == .imageInput(path: Fixtures.path("images/rgb.png"), input: "input", type: "float[?x640]"))
  }

  @Test(arguments: [
    "rgb-420.jpg", "rgb-422-progressive.jpg", "grey.jpg", "rgb.png", "rgba.png", "palette.png",
  ])
  func `truncated and damaged images never trap`(name: String) throws {
    let folder = try TemporaryFolder()
    let bytes = try fileBytes(Fixtures.path("images/\(name)"))
    func attempt(_ damaged: [UInt8]) throws -> Bool {
      let path = try folder.write(damaged, to: "image")
      guard let error = failure(path: path, for: .anyColor) else { return true }
      #expect("\(error)".contains(path))
      return false
    }
    for length in stride(from: 0, to: bytes.count - 12, by: 29) {
      #expect(try attempt(Array(bytes[..<length])) == false, "\(length) bytes")
    }
    var generator = SeededGenerator(state: 7)
    for _ in 0..<80 {
      var damaged = bytes
      damaged[Int.random(in: bytes.indices, using: &generator)] ^=
        1 << UInt8.random(in: 0..<8, using: &generator)
      _ = try attempt(damaged)
    }
  }

  @Test func `a size that no file can hold is refused before memory is taken`() throws {
    let folder = try TemporaryFolder()
    var bytes = try fileBytes(Fixtures.path("images/rgb.png"))
    bytes.replaceSubrange(16..<24, with: bigEndian(1 << 30) + bigEndian(1 << 30))
    let path = try folder.write(bytes, to: "a.png")
    #expect(
      throws: DatasetError.imageTooLarge(
        path: path, width: 1 << 30, height: 1 << 30, limit: ImageLimits.pixels)
    ) { try DatasetLoader.open(path: path, for: .anyColor) }
  }
}
