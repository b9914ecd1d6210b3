import TensorCore
import TestSupport
import Testing

@testable import Datasets

@Suite struct ArrayDatasetTests {
  @Test(arguments: ["stored", "deflated"])
  func `an npz gives samples and labels in any order`(name: String) throws {
    let dataset = try DatasetLoader.open(
      path: Fixtures.path("arrays/\(name).npz"), for: request([.unknown, 2, 3, 4]))
    #expect(dataset.count == 6)
    #expect(dataset.reference == .labels)
    #expect(dataset.sampleShape(at: 0) == [2, 3, 4])
    let batch = try dataset.batch([4, 0])
    #expect(batch.labels == [5, 3])
    #expect(batch.inputs[0].shape == [2, 2, 3, 4])
    #expect(
      batch.inputs[0].elements(of: Float.self) == (96..<120).map(Float.init)
        + (0..<24).map(Float.init))
  }

  @Test func `the digit fixture opens for its model`() throws {
    let dataset = try DatasetLoader.open(
      path: Fixtures.path("digits/test.npz"),
      for: request([.symbolic("N"), 1, 8, 8], task: .classification, classCount: 10))
    #expect(dataset.count == 500)
    let values = try dataset.batch(Array(0..<500)).inputs[0].elements(of: Float.self)
    #expect(values.min() == 0 && values.max() == 16)
  }

  @Test(arguments: [
    (ImageLayout.nchw, [2, 3, 4]), (.nhwc, [4, 3, 2]),
  ])
  func `normalisation goes along the channels of the layout`(layout: ImageLayout, shape: [Int])
    throws
  {
    let folder = try TemporaryFolder()
    let path = folder.path("x.npy")
    try NpyFile.write(Tensor((0..<24).map(UInt8.init), shape: [1] + shape), to: path)
    let normalization = Normalization(mean: [1, 2], std: [2, 4], inputScale: 0.5)
    let dataset = try DatasetLoader.open(
      path: path,
      for: request(
        [.unknown] + shape.map(Dimension.fixed), layout: layout, normalization: normalization))
    let values = try dataset.batch([0]).inputs[0].elements(of: Float.self)
    for (index, value) in values.enumerated() {
      let channel = layout == .nchw ? index / 12 : index % 2
      #expect(value == (Float(index) * 0.5 - Float(channel + 1)) / Float(2 * (channel + 1)))
    }
  }

  @Test(arguments: [
    "u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8", "big-i2", "big-f8",
    "fortran-big",
  ])
  func `every element type is converted`(name: String) throws {
    let dataset = try DatasetLoader.open(
      path: Fixtures.path("arrays/\(name).npy"), for: request([.unknown, 3, 4]))
    #expect(dataset.count == 2 && dataset.reference == .none)
    let all = try dataset.batch([0, 1]).inputs[0].elements(of: Float.self)
    #expect(all == NpyFileTests.ramp(isSigned: !name.hasPrefix("u")))
    #expect(try dataset.batch([1]).inputs[0].elements(of: Float.self) == Array(all[12...]))
  }

  @Test(
    arguments: [
      ([28, 28], [1, 28, 28], [1, 28, 28]), ([1, 28, 28], [28, 28], [28, 28]),
      ([28, 28], [784], [784]), ([28, 28, 1], [28, 28, 1], [28, 28, 1]),
      ([5], [1, 1, 5], [1, 1, 5]), ([3, 4, 5], [3, nil, nil], [3, 4, 5]),
      ([4, 5], [1, nil, nil], [1, 4, 5]), ([28, 28], [3, 28, 28], nil), ([28, 27], [28, 28], nil),
      ([], [1], [1]), ([1], [], []), ([2], [], nil),
    ] as [([Int], [Int?], [Int]?)])
  func `dimensions of 1 may be missing or extra, others not`(
    stored: [Int], model: [Int?], result: [Int]?
  ) {
    let dimensions = model.map { $0.map(Dimension.fixed) ?? .unknown }
    #expect(SampleArray.match(stored, dimensions) == result)
  }

  @Test func `floats as y are targets, and labels for regression too`() throws {
    let folder = try TemporaryFolder()
    let x = Tensor([1, 2, 3, 4] as [Float], shape: [2, 2])
    let targets = Tensor([0.5, -0.5] as [Double], shape: [2])
    let dataset = try ArrayDataset(
      path: folder.path(""), arrays: [("x", NpyArray(x, path: "x"))],
      reference: ("y", NpyArray(targets, path: "y")), request: request([.unknown, 2]))
    #expect(dataset.reference == .targets)
    #expect(try dataset.batch([1]).targets == Tensor([-0.5] as [Float], shape: [1]))
    let whole = try ArrayDataset(
      path: folder.path(""), arrays: [("x", NpyArray(x, path: "x"))],
      reference: ("y", NpyArray(Tensor([3, -1] as [Int32], shape: [2]), path: "y")),
      request: request([.unknown, 2], task: .regression))
    #expect(try whole.batch([0, 1]).targets?.elements(of: Float.self) == [3, -1])
  }

  @Test func `scores as y of a classifier stand for the largest`() throws {
    let x = Tensor([1, 2] as [Float], shape: [2, 1])
    let scores = Tensor([0, 2, 2, 5, 1, 1] as [Float], shape: [2, 3])
    let dataset = try ArrayDataset(
      path: "d", arrays: [("x", NpyArray(x, path: "x"))],
      reference: ("y", NpyArray(scores, path: "y")),
      request: request([.unknown, 1], task: .classification))
    #expect(dataset.labels == [1, 0])
  }

  @Test(arguments: [
    ([1, .nan, 3, 4] as [Float], [0, 1], 0), ([1, 2, 3, .infinity], [1, 0], 1),
  ])
  func `NaN and infinities are refused by the sample that holds them`(
    values: [Float], order: [Int], sample: Int
  ) throws {
    let folder = try TemporaryFolder()
    let path = folder.path("x.npy")
    for scale in [1.0, 2.0] {
      try NpyFile.write(Tensor(values, shape: [2, 2]), to: path)
      let dataset = try DatasetLoader.open(
        path: path, for: request([.unknown, 2], normalization: Normalization(inputScale: scale)))
      #expect(throws: DatasetError.nonFinite(path: path, field: "x", sample: sample)) {
        try dataset.batch(order)
      }
    }
  }

  @Test func `wrong shapes, labels and counts are refused with the file's name`() throws {
    let stored = Fixtures.path("arrays/stored.npz")
    #expect(
      throws: DatasetError.shape(
        path: stored, field: "x", expected: "Nx1x28x28", actual: [6, 2, 3, 4])
    ) { try DatasetLoader.open(path: stored, for: request([.symbolic("N"), 1, 28, 28])) }
    #expect(
      throws: DatasetError.labelOutOfRange(path: stored, sample: 4, label: 5, classes: 5)
    ) { try DatasetLoader.open(path: stored, for: request([.unknown, 2, 3, 4], classCount: 5)) }
    #expect(
      throws: DatasetError.normalization(
        parameter: "--mean", expected: "1 or 2 values", actual: "3 values")
    ) {
      try DatasetLoader.open(
        path: stored,
        for: request([.unknown, 2, 3, 4], normalization: Normalization(mean: [1, 2, 3])))
    }
    #expect(
      throws: DatasetError.normalization(
        parameter: "--std", expected: "finite and not 0", actual: "0.0")
    ) {
      try DatasetLoader.open(
        path: stored, for: request([.unknown, 2, 3, 4], normalization: Normalization(std: [0])))
    }
    let x = Tensor([1, 2] as [Float], shape: [2, 1])
    #expect(throws: DatasetError.sampleCount(path: "y", field: "y", expected: 2, actual: 3)) {
      try ArrayDataset(
        path: "d", arrays: [("x", NpyArray(x, path: "x"))],
        reference: ("y", NpyArray(Tensor([1, 2, 3] as [Int64], shape: [3]), path: "y")),
        request: request([.unknown, 1]))
    }
    #expect(throws: DatasetError.labelOutOfRange(path: "y", sample: 0, label: -1, classes: nil)) {
      try ArrayDataset(
        path: "d", arrays: [("x", NpyArray(x, path: "x"))],
        reference: ("y", NpyArray(Tensor([-1, 2] as [Int64], shape: [2]), path: "y")),
        request: request([.unknown, 1]))
    }
    let empty = Fixtures.path("arrays/empty.npy")
    #expect(throws: DatasetError.empty(path: empty, what: "'x'")) {
      try DatasetLoader.open(path: empty, for: request([.unknown, 3]))
    }
    let scalar = Fixtures.path("arrays/scalar.npy")
    #expect(
      throws: DatasetError.shape(
        path: scalar, field: "x", expected: "samples along dimension 0", actual: [])
    ) { try DatasetLoader.open(path: scalar, for: request([.unknown])) }
  }

  @Test func `an npz without x names what it has`() throws {
    let path = Fixtures.path("images/bicubic.npz")
    let error = #expect(throws: DatasetError.self) {
      try DatasetLoader.open(path: path, for: .anyColor)
    }
    #expect(error.map { "\($0)".contains("has no 'x'; found: 'source', 'grey'") } ?? false)
  }

  @Test func `several inputs come from entries of their names`() throws {
    let pair = DatasetRequest(inputs: [
      .init(name: "y", type: TensorType(.float32, [.unknown])),
      .init(name: "x", type: TensorType(.float32, [.unknown, 2, 3, 4])),
    ])
    let dataset = try DatasetLoader.open(path: Fixtures.path("arrays/stored.npz"), for: pair)
    let batch = try dataset.batch([5])
    #expect(batch.inputs.map(\.shape) == [[1], [1, 2, 3, 4]])
    #expect(batch.inputs[0].elements(of: Float.self) == [9])
  }

  @Test(arguments: ["stored", "deflated"])
  func `every truncation of an npz is refused`(name: String) throws {
    let folder = try TemporaryFolder()
    let bytes = try fileBytes(Fixtures.path("arrays/\(name).npz"))
    for length in bytes.indices {
      let path = try folder.write(Array(bytes[..<length]), to: "a.npz")
      #expect(throws: DatasetError.self) {
        try DatasetLoader.open(path: path, for: request([.unknown, 2, 3, 4])).batch([0])
      }
    }
  }

  @Test(arguments: ["stored", "deflated"])
  func `a changed content of an npz is found by its checksum`(name: String) throws {
    let folder = try TemporaryFolder()
    var bytes = try fileBytes(Fixtures.path("arrays/\(name).npz"))
    // Within the elements of x, the first entry.
    bytes[200] ^= 0x10
    let path = try folder.write(bytes, to: "a.npz")
    #expect(throws: DatasetError.self) {
      try DatasetLoader.open(path: path, for: request([.unknown, 2, 3, 4]))
    }
  }
}
