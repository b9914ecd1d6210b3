import GraphIR
import TensorCore
import TestSupport
import Testing

@testable import OnnxFormat

@Suite struct TensorFileTests {
  @Test func `a tensor survives being written and read`() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("input_0.pb")
    for tensor in [
      Tensor([1.5, -2] as [Float], shape: [2, 1]), Tensor(scalar: Int64(7)),
      try #require(Tensor(strings: [[0x61], []], shape: [2])),
    ] {
      try TensorFile.write(tensor, name: "x", to: path)
      let read = try TensorFile.readNamed(path: path)
      #expect(read.name == "x")
      #expect(read.tensor == tensor)
    }
  }

  @Test func `a broken tensor file is refused with its name`() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(
      ModelBytes.tensor("", dims: [3], type: 1) { $0.bytes(9, [0]) }.bytes, to: "input_0.pb")
    #expect(
      throws: FormatError(
        file: path, .tensor(name: "input_0.pb", .byteCount(expected: 12, actual: 1)))
    ) { try TensorFile.read(path: path) }
  }

  @Test(.enabled(if: Fixtures.shared != nil))
  func `the tensors that come with a model are read`() throws {
    let folder = try #require(Fixtures.shared).appending(path: "models/mnist-conv-data")
    let input = try TensorFile.read(path: folder.appending(path: "input_0.pb").path)
    #expect(input.type == TensorType(.float32, shape: [1, 1, 28, 28]))
    let output = try TensorFile.read(path: folder.appending(path: "output_0.pb").path)
    #expect(output.type == TensorType(.float32, shape: [1, 10]))
  }
}
