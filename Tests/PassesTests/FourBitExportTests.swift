import GraphIR
import Operators
import TensorCore
import Testing

@testable import Passes

/// Which quantizers get 4-bit types: those that onnxruntime's default session computes as they are written.
@Suite struct FourBitExportTests {
  /// The type of the codes of x -> Relu or nothing -> Quant of 4 bits -> the given operators.
  private static func container(
    signed: Bool, rectified: Bool, behind: [any Operator]
  ) throws -> ElementType? {
    var graph = Graph()
    var value = graph.addInput(name: "x", type: TensorType(.float32, shape: [1, 2, 4, 4]))
    if rectified { value = graph.addNode(Relu(), name: "relu", inputs: [value], output: "r") }
    let parameters = [("s", Float(0.25)), ("z", 0), ("b", 4)].map { name, value in
      graph.addConstant(name: name, Tensor(scalar: value))
    }
    value = graph.addNode(
      Quant(isSigned: signed, isNarrow: false), name: "q", inputs: [value] + parameters, output: "v"
    )
    for (index, op) in behind.enumerated() {
      value = graph.addNode(op, name: "n\(index)", inputs: [value], output: "v\(index)")
    }
    graph.addOutput(value)
    _ = try ShapeInference().run(&graph)
    _ = try LinearQuantizerExport(usesFourBits: true).run(&graph)
    let quantize = graph.nodeIDs.first { graph[$0].op is QuantizeLinear }
    return quantize.flatMap { graph[$0].inputs[2] }.flatMap { graph[$0].type?.elementType }
  }

  @Test func `a maximum of quantized values is taken of bytes, wherever they are moved before`()
    throws
  {
    let pool = MaxPool(window: SlidingWindow(kernelShape: [2, 2]))
    let transposed = Transpose(permutation: [0, 1, 3, 2])
    for rectified in [false, true] {
      #expect(try Self.container(signed: false, rectified: rectified, behind: []) == .uint4)
      #expect(try Self.container(signed: false, rectified: rectified, behind: [pool]) == .uint8)
      #expect(
        try Self.container(signed: false, rectified: rectified, behind: [transposed, pool])
          == .uint8)
      // What is computed from the codes has none.
      #expect(
        try Self.container(signed: false, rectified: rectified, behind: [Sigmoid(), pool])
          == .uint4)
    }
  }

  @Test func `a rectifier is kept from a signed quantizer that would swallow it`() throws {
    #expect(try Self.container(signed: true, rectified: false, behind: []) == .int4)
    #expect(try Self.container(signed: true, rectified: true, behind: []) == .int8)
  }
}
