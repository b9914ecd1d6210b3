import Execution
import GraphIR
import Operators
import Quantizers
import TensorCore
import Testing

@testable import Quantization

/// Patches are compared with the layer's own output, which oneDNN computes: each is the dot product of a patch
/// with a channel's weights.
@Suite struct InputPatchesTests {
  struct Case: Sendable, CustomStringConvertible {
    var description: String
    var op: any Operator
    var data: [Int]
    var weight: [Int]
    var constantFirst = false
    /// Of the output: sizes in front of and behind the channels.
    var channelAxis: Int
  }

  static let cases = [
    Case(
      description: "convolution", op: Conv(window: SlidingWindow(pads: [1, 1, 1, 1])),
      data: [2, 3, 5, 4], weight: [4, 3, 3, 3], channelAxis: 1),
    Case(
      description: "grouped, strided, unequal pads",
      op: Conv(window: SlidingWindow(strides: [2, 1], pads: [0, 2, 1, 0]), group: 2),
      data: [2, 4, 6, 5], weight: [6, 2, 3, 2], channelAxis: 1),
    Case(
      description: "depthwise, dilated",
      op: Conv(window: SlidingWindow(dilations: [2, 1], pads: [2, 1, 2, 1]), group: 3),
      data: [2, 3, 6, 5], weight: [6, 1, 3, 3], channelAxis: 1),
    Case(
      description: "padded by name",
      op: Conv(window: SlidingWindow(strides: [2, 2], autoPadding: .sameUpper)),
      data: [1, 2, 5, 6], weight: [3, 2, 3, 3], channelAxis: 1),
    Case(
      description: "one dimension", op: Conv(window: SlidingWindow(strides: [2], pads: [1, 1])),
      data: [2, 3, 7], weight: [4, 3, 3], channelAxis: 1),
    Case(
      description: "transposed convolution, strided, grouped",
      op: ConvTranspose(window: SlidingWindow(strides: [2, 2], pads: [1, 0, 0, 1]), group: 2),
      data: [2, 4, 3, 4], weight: [4, 3, 3, 2], channelAxis: 1),
    Case(description: "Gemm", op: Gemm(), data: [5, 4], weight: [4, 3], channelAxis: 1),
    Case(
      description: "Gemm, both transposed", op: Gemm(transposesA: true, transposesB: true),
      data: [4, 5], weight: [3, 4], channelAxis: 1),
    Case(
      description: "Gemm, constant on the left", op: Gemm(), data: [4, 5], weight: [3, 4],
      constantFirst: true, channelAxis: 0),
    Case(
      description: "Gemm, constant on the left, both transposed",
      op: Gemm(transposesA: true, transposesB: true), data: [5, 4], weight: [4, 3],
      constantFirst: true, channelAxis: 0),
    Case(description: "MatMul", op: MatMul(), data: [2, 3, 4], weight: [4, 5], channelAxis: 2),
    Case(
      description: "MatMul, constant on the left", op: MatMul(), data: [2, 4, 3], weight: [5, 4],
      constantFirst: true, channelAxis: 1),
    Case(
      description: "MatMul, a matrix for each batch", op: MatMul(), data: [2, 3, 6, 4],
      weight: [3, 4, 5], channelAxis: 3),
    Case(
      description: "MatMul, data that broadcasts", op: MatMul(), data: [6, 4], weight: [3, 4, 5],
      channelAxis: 2),
  ]

  struct Fixture {
    var layer: DotProductLayer
    var graph: Graph
    var data: Tensor
    var output: Tensor
  }

  static func fixture(_ given: Case) throws -> Fixture {
    var builder = ModelBuilder()
    let x = builder.input(given.data.map { .fixed($0) })
    let w = builder.constant("w", shape: given.weight)
    let y = builder.graph.addNode(
      given.op, name: "op", inputs: given.constantFirst ? [w, x] : [x, w], output: "y")
    builder.graph.addOutput(y)
    let data = Tensor(builder.random(given.data.reduce(1, *)), shape: given.data)
    let node = try #require(builder.graph.node(named: "op"))
    let results = try Session(graph: builder.graph).run([x: data], fetch: [y])
    return Fixture(
      layer: try #require(DotProductLayer(node, in: builder.graph)), graph: builder.graph,
      data: data, output: try #require(results[y]))
  }

  @Test(arguments: cases) func `a patch times the weights is the layer's output`(given: Case) throws
  {
    let fixture = try Self.fixture(given)
    let layout = fixture.layer.layout
    let patches = try #require(InputPatches(fixture.layer, in: fixture.graph))
    let weights = layout.gather(try #require(fixture.layer.weight(in: fixture.graph)))
    var rows: [Float] = []
    let count = fixture.data.withElements(of: Float.self) {
      patches.copy($0, shape: fixture.data.shape, limit: .max, into: &rows)
    }
    let k = patches.length
    let perGroup = layout.channelCount / patches.groups
    // Every output is some position's: those of a channel are compared in the order of memory, in which groups
    // with matrices of their own stand between batch and row.
    var expected = [[Float]](repeating: [], count: layout.channelCount)
    let shape = fixture.output.shape
    let inner = shape[(given.channelAxis + 1)...].reduce(1, *)
    let channels = shape[given.channelAxis]
    let values = fixture.output.elements(of: Float.self)
    let matrices = layout.batch > 1 && given.op is MatMul ? layout.batch : 1
    let rowsOfMatrix = matrices > 1 ? shape[shape.count - 2] : 1
    for (index, value) in values.enumerated() {
      let channel = index / inner % channels
      let matrix = index / (channels * rowsOfMatrix) % matrices
      expected[matrices > 1 ? matrix * channels + channel : channel].append(value)
    }
    #expect(count * layout.channelCount == values.count)
    for channel in 0..<layout.channelCount {
      for position in 0..<count {
        let start = (position * patches.groups + channel / perGroup) * k
        let sum = (0..<k).reduce(0.0) {
          $0 + Double(rows[start + $1]) * Double(weights[channel * k + $1])
        }
        #expect(abs(sum - Double(expected[channel][position])) < 1e-5)
      }
    }
  }

  @Test(arguments: cases) func `moments are the sums of products of patches`(given: Case) throws {
    let fixture = try Self.fixture(given)
    let patches = try #require(InputPatches(fixture.layer, in: fixture.graph))
    var rows: [Float] = []
    let count = fixture.data.withElements(of: Float.self) {
      patches.copy($0, shape: fixture.data.shape, limit: .max, into: &rows)
    }
    let (k, width) = (patches.length, patches.length * patches.groups)
    for group in 0..<patches.groups {
      var moments = InputMoments(length: k)
      rows.withUnsafeBufferPointer { rows in
        guard let base = rows.baseAddress else { return }
        // In two parts, as batches come.
        for part in [0..<count / 2, count / 2..<count] {
          let start = base + part.lowerBound * width + group * k
          moments.add(quantized: start, float: start, rows: part.count, stride: width)
        }
      }
      #expect(moments.count == count)
      for i in 0..<k {
        for j in 0..<k {
          let sum = (0..<count).reduce(0.0) {
            let row = $1 * width + group * k
            return $0 + Double(rows[row + i]) * Double(rows[row + j])
          }
          #expect(abs(moments.product(i, j) - sum) < 1e-4)
          #expect(abs(moments.crossProduct(i, j) - sum) < 1e-4)
        }
      }
    }
  }

  @Test(arguments: [(100, 7), (1024, 32), (7, 7), (12, 100), (4096, 4095)])
  func `positions are spread without repetition`(count: Int, limit: Int) {
    let positions = InputPatches.spread(count, limit: limit)
    #expect(positions.count == min(count, limit) && Set(positions).count == positions.count)
    #expect(positions.allSatisfy { (0..<count).contains($0) })
    let mean = Double(positions.reduce(0, +)) / Double(positions.count)
    #expect(abs(mean - Double(count - 1) / 2) < Double(count) * 0.1)
  }

  @Test func `activations of another shape give no patches`() throws {
    let fixture = try Self.fixture(Self.cases[0])
    let patches = try #require(InputPatches(fixture.layer, in: fixture.graph))
    var rows: [Float] = []
    for shape in [[2, 4, 5, 4], [2, 3, 5], [2, 3, 0, 4]] {
      let values = [Float](repeating: 1, count: shape.reduce(1, *))
      let count = values.withUnsafeBufferPointer {
        patches.copy($0, shape: shape, limit: 10, into: &rows)
      }
      #expect(count == 0)
    }
  }
}
