import GraphIR
import Operators
import TensorCore
import Testing

@testable import Quantization

@Suite struct WeightLayoutTests {
  private func layer(_ op: any Operator, weight shape: [Int], constantFirst: Bool = false)
    throws -> (DotProductLayer, Tensor)
  {
    var graph = Graph()
    let x = graph.addInput(name: "x", type: nil)
    let count = shape.reduce(1, *)
    let weight = Tensor((0..<count).map(Float.init), shape: shape)
    let w = graph.addConstant(name: "w", weight)
    graph.addOutput(
      graph.addNode(op, name: "op", inputs: constantFirst ? [w, x] : [x, w], output: "y"))
    let node = try #require(graph.node(named: "op"))
    return (try #require(DotProductLayer(node, in: graph)), weight)
  }

  @Test func `rows of every layout hold the weights of one output channel`() throws {
    let (conv, w1) = try layer(Conv(group: 2), weight: [4, 3, 1, 2])
    #expect(conv.layout.channelCount == 4 && conv.layout.dotLength == 6)
    #expect(Array(conv.layout.gather(w1)[6..<12]) == [6, 7, 8, 9, 10, 11])

    let (matmul, w2) = try layer(MatMul(), weight: [3, 2])
    #expect(matmul.layout.gather(w2) == [0, 2, 4, 1, 3, 5])
    #expect(matmul.layout.scaleShape == [1, 2])

    let (left, w3) = try layer(MatMul(), weight: [2, 3], constantFirst: true)
    #expect(left.layout.gather(w3) == [0, 1, 2, 3, 4, 5])
    #expect(left.layout.scaleShape == [2, 1] && left.dataPosition == 1)

    // ConvTranspose, I = 4 in two groups, O/g = 2, kernel 1 x 1: w[i][o].
    let (transposed, w4) = try layer(ConvTranspose(group: 2), weight: [4, 2, 1, 1])
    #expect(transposed.layout.gather(w4) == [0, 2, 1, 3, 4, 6, 5, 7])
    #expect(
      transposed.layout.scaleTensor([1, 2, 3, 4]).elements(of: Float.self)
        == [1, 2, 1, 2, 3, 4, 3, 4])
    #expect(transposed.layout.scaleShape == [4, 2, 1, 1])
  }

  @Test func `scattering what was gathered gives the tensor back`() throws {
    for (op, shape) in [
      (Gemm(transposesB: true) as any Operator, [3, 5]), (Gemm(), [3, 5]),
      (ConvTranspose(group: 3), [6, 2, 2, 2]), (MatMul(), [2, 3, 4]),
    ] {
      let (layer, weight) = try layer(op, weight: shape)
      let rows = layer.layout.gather(weight)
      #expect(layer.layout.scatter(rows, shape: shape) == weight)
    }
  }
}
