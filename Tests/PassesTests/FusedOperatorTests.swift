import Execution
import Foundation
import GraphIR
import Operators
import TensorCore
import Testing

@testable import Passes

/// Operators that stand for several others, against their formulas in plain loops.
@Suite struct FusedOperatorTests {
  private static func numbers(_ count: Int, _ seed: Int = 1) -> [Float] {
    (0..<count).map { Float(($0 * 37 + seed * 53) % 41) / 20 - 1 }
  }

  /// A graph of one node, whose operands are fed but for the constants.
  private struct Case {
    var graph = Graph()
    var feeds: [ValueID: Tensor] = [:]

    init(
      _ type: String, _ operands: [Tensor?], constants: Set<Int> = [],
      _ attributes: [Attribute] = [], domain: String = "com.microsoft", opset: Int = 1,
      outputs: Int = 1, read: [Int] = [0]
    ) throws {
      var inputs: [ValueID?] = []
      for (index, operand) in operands.enumerated() {
        guard let operand else {
          inputs.append(nil)
          continue
        }
        if constants.contains(index) {
          inputs.append(graph.addConstant(name: "c\(index)", operand))
          continue
        }
        let input = graph.addInput(name: "x\(index)", type: operand.type)
        feeds[input] = operand
        inputs.append(input)
      }
      let op = try Catalogue().makeOperator(
        domain: domain, type: type, attributes: AttributeReader(attributes, opset: opset))
      let results = (0..<outputs).map { graph.addValue(name: "y\($0)") }
      graph.addNode(op, name: "node", inputs: inputs, outputs: results)
      read.forEach { graph.addOutput(results[$0]) }
    }

    /// The outputs of what the pass makes of the graph, in which no operator is opaque and a second run does nothing.
    func results(opset: Int) throws -> [[Float]] {
      var graph = graph
      let pass = FusedOperatorDecomposition(opset: opset)
      let (first, second) = (try pass.run(&graph), try pass.run(&graph))
      #expect(!first.isEmpty && second.isEmpty)
      try graph.validate()
      #expect(graph.nodeIDs.allSatisfy { !graph[$0].op.isOpaque && graph[$0].op.domain.isEmpty })
      let results = try Session(graph: graph).run(feeds, fetch: graph.outputs)
      return graph.outputs.map { results[$0]?.elements(of: Float.self) ?? [] }
    }
  }

  private static func agree(_ a: [Float], _ b: [Float]) -> Bool {
    a.count == b.count && zip(a, b).allSatisfy { abs($0 - $1) < 2e-5 }
  }

  @Test(arguments: [13, 17, 20, 23])
  func `activations are their formulas`(_ opset: Int) throws {
    let (x, b) = (Self.numbers(12), Self.numbers(4, 2))
    let sum = x.indices.map { x[$0] + b[$0 % 4] }
    let operands: [Tensor?] = [Tensor(x, shape: [3, 4]), Tensor(b, shape: [4])]
    func exact(_ x: Float) -> Float { x / 2 * (1 + erff(x / 2.0.squareRootFloat)) }
    func fast(_ x: Float) -> Float {
      x / 2 * (1 + tanhf((2 / Float.pi).squareRoot() * (x + 0.044715 * x * x * x)))
    }
    #expect(
      Self.agree(
        try Case("Gelu", [operands[0]]).results(opset: opset)[0], x.map(exact)))
    #expect(
      Self.agree(
        try Case("BiasGelu", operands, constants: [1]).results(opset: opset)[0], sum.map(exact)))
    #expect(
      Self.agree(
        try Case("FastGelu", operands, constants: [1]).results(opset: opset)[0], sum.map(fast)))
    let quick = try Case("QuickGelu", [operands[0]], [Attribute("alpha", .float(1.5))])
    #expect(
      Self.agree(try quick.results(opset: opset)[0], x.map { $0 / (1 + expf(-1.5 * $0)) }))
  }

  @Test(arguments: [13, 17, 18, 23])
  func `sums that are normalised are another output`(_ opset: Int) throws {
    let (x, skip) = (Self.numbers(12), Self.numbers(12, 3))
    let (scale, bias) = (Self.numbers(4, 4), Self.numbers(4, 5))
    let sums = zip(x, skip).map { $0 + $1 }
    func rows(centred: Bool) -> [Float] {
      stride(from: 0, to: 12, by: 4).flatMap { start -> [Float] in
        let row = sums[start..<start + 4]
        let mean = centred ? row.reduce(0, +) / 4 : 0
        let variance = row.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / 4
        return row.enumerated().map {
          ($1 - mean) / (variance + 1e-3).squareRoot() * scale[$0] + (centred ? bias[$0] : 0)
        }
      }
    }
    let operands: [Tensor?] = [
      Tensor(x, shape: [3, 4]), Tensor(skip, shape: [3, 4]), Tensor(scale, shape: [4]),
      Tensor(bias, shape: [4]),
    ]
    let epsilon = [Attribute("epsilon", .float(1e-3))]
    for (type, isCentred) in [
      ("SkipLayerNormalization", true), ("SkipSimplifiedLayerNormalization", false),
    ] {
      // The statistics aren't read.
      let given = try Case(
        type, isCentred ? operands : Array(operands[..<3]), constants: [2, 3], epsilon, outputs: 4,
        read: [0, 3])
      let results = try given.results(opset: opset)
      #expect(Self.agree(results[0], rows(centred: isCentred)), "\(type)")
      #expect(Self.agree(results[1], sums), "\(type)")
    }
  }

  @Test(arguments: [
    "nhcq,nhck->nhqk", "nhqk,nhck->nhcq", "nqc,nkc->nqk", "bij,bjk->bik", "ij,jk->ki",
    "qnhc,knhc->nhqk",
  ]) func `an Einsum of two computed operands is a product of matrices`(_ equation: String) throws {
    let sizes: [Character: Int] = [
      "n": 2, "h": 3, "c": 4, "q": 5, "k": 2, "b": 2, "i": 3, "j": 4,
    ]
    let terms = equation.prefix { $0 != "-" }.split(separator: ",").map(Array.init)
    let shapes = terms.map { $0.map { sizes[$0] ?? 1 } }
    let operands = shapes.enumerated().map {
      Tensor(Self.numbers($1.reduce(1, *), $0 + 1), shape: $1)
    }
    let given = try Case(
      "Einsum", operands, [Attribute("equation", .string(equation))], domain: "", opset: 13)
    // The operator itself sums element by element.
    let expected = try Session(graph: given.graph).run(given.feeds, fetch: given.graph.outputs)
    let sums = expected[given.graph.outputs[0]]?.elements(of: Float.self) ?? []
    #expect(!sums.isEmpty)
    #expect(Self.agree(try given.results(opset: 13)[0], sums))
  }

  @Test func `a product of turned operands has its factor`() throws {
    let (a, b) = (Self.numbers(24), Self.numbers(40, 2))
    let product = try Case(
      "FusedMatMul", [Tensor(a, shape: [2, 4, 3]), Tensor(b, shape: [2, 5, 4])],
      [
        Attribute("alpha", .float(0.5)), Attribute("transA", .int(1)), Attribute("transB", .int(1)),
      ])
    var expected: [Float] = []
    for batch in 0..<2 {
      for row in 0..<3 {
        for column in 0..<5 {
          expected.append(
            0.5
              * (0..<4).map { a[batch * 12 + $0 * 3 + row] * b[batch * 20 + column * 4 + $0] }
              .reduce(0, +))
        }
      }
    }
    #expect(Self.agree(try product.results(opset: 17)[0], expected))
  }

  @Test func `a layer has its summand and its activation`() throws {
    let (x, w, z) = (Self.numbers(12), Self.numbers(6, 2), Self.numbers(8, 3))
    let layer = try Case(
      "FusedConv",
      [
        Tensor(x, shape: [1, 3, 4]), Tensor(w, shape: [2, 3, 1]),
        Tensor([Float(0.1), -0.2], shape: [2]),
        Tensor(z, shape: [1, 2, 4]),
      ], constants: [1, 2],
      [
        Attribute("activation", .string("Clip")),
        Attribute("activation_params", .floats([-0.25, 0.75])),
      ])
    let expected = (0..<8).map { index -> Float in
      let (channel, position) = (index / 4, index % 4)
      let sum = (0..<3).map { w[channel * 3 + $0] * x[$0 * 4 + position] }.reduce(0, +)
      return min(max(sum + [0.1, -0.2][channel] + z[index], -0.25), 0.75)
    }
    #expect(Self.agree(try layer.results(opset: 13)[0], expected))
  }

  @Test(arguments: [2, 4, 8])
  func `a product with codes is that with what they stand for`(_ bits: Int) throws {
    let (rows, columns, block) = (24, 3, 16)
    let perByte = 8 / bits
    let codes = (0..<columns * 2 * block).map { UInt8($0 * 29 % (1 << bits)) }
    let zeros = (0..<columns * 2).map { UInt8(($0 * 5 + 1) % (1 << bits)) }
    func packed(_ codes: [UInt8], rowsOf width: Int) -> [UInt8] {
      stride(from: 0, to: codes.count, by: width).flatMap { start -> [UInt8] in
        var bytes = [UInt8](repeating: 0, count: (width + perByte - 1) / perByte)
        for i in 0..<width {
          bytes[i / perByte] |= codes[start + i] << UInt8(i % perByte * bits)
        }
        return bytes
      }
    }
    let scales = (0..<columns * 2).map { Float($0 + 1) / 8 }
    let x = Self.numbers(2 * rows)
    let packedCodes = packed(codes, rowsOf: 2 * block)
    let packedZeros = packed(zeros, rowsOf: 2)
    let product = try Case(
      "MatMulNBits",
      [
        Tensor(x, shape: [2, rows]),
        Tensor(packedCodes, shape: [columns, 2, packedCodes.count / columns / 2]),
        Tensor(scales, shape: [columns * 2]), Tensor(packedZeros, shape: [packedZeros.count]), nil,
        Tensor([Float(1), 2, 3], shape: [3]),
      ], constants: [1, 2, 3, 5],
      [
        Attribute("K", .int(Int64(rows))), Attribute("N", .int(Int64(columns))),
        Attribute("bits", .int(Int64(bits))), Attribute("block_size", .int(Int64(block))),
      ])
    var expected: [Float] = []
    for row in 0..<2 {
      for column in 0..<columns {
        var sum = Float(column + 1)
        for k in 0..<rows {
          let entry = column * 2 + k / block
          let code = Float(codes[column * 2 * block + k]) - Float(zeros[entry])
          sum += x[row * rows + k] * code * scales[entry]
        }
        expected.append(sum)
      }
    }
    let result = try product.results(opset: 17)[0]
    #expect(zip(result, expected).allSatisfy { abs($0 - $1) < 1e-3 * max(abs($1), 1) })
  }

  /// Attention of 4 query heads over 2 heads of keys, each key head for two neighbours.
  @Test(arguments: [false, true], [false, true])
  func `attention is a softmax between two products`(_ isFlat: Bool, _ isCausal: Bool) throws {
    let (heads, groups, length, size) = (4, 2, 3, 2)
    func operand(_ heads: Int, _ seed: Int) -> (at: (Int, Int, Int) -> Float, tensor: Tensor) {
      let elements = Self.numbers(heads * length * size, seed)
      if isFlat {
        return (
          { elements[($1 * heads + $0) * size + $2] },
          Tensor(elements, shape: [1, length, heads * size])
        )
      }
      return (
        { elements[($0 * length + $1) * size + $2] },
        Tensor(elements, shape: [1, heads, length, size])
      )
    }
    let (q, k, v) = (operand(heads, 1), operand(groups, 2), operand(groups, 3))
    let mask = Self.numbers(length * length, 4)
    var attributes = [
      Attribute("q_num_heads", .int(4)), Attribute("kv_num_heads", .int(2)),
      Attribute("scale", .float(0.5)),
    ]
    if isCausal { attributes.append(Attribute("is_causal", .int(1))) }
    let attention = try Case(
      "Attention", [q.tensor, k.tensor, v.tensor, Tensor(mask, shape: [length, length])],
      attributes,
      domain: "")
    var expected = [Float](repeating: 0, count: heads * length * size)
    for head in 0..<heads {
      for row in 0..<length {
        let columns = isCausal ? 0...row : 0...length - 1
        let weights = columns.map { column -> Float in
          let product = (0..<size).map { q.at(head, row, $0) * k.at(head / 2, column, $0) }
          return expf(0.5 * product.reduce(0, +) + mask[row * length + column])
        }
        for element in 0..<size {
          let sum = zip(columns, weights).map { $1 * v.at(head / 2, $0, element) }.reduce(0, +)
          let place =
            isFlat ? (row * heads + head) * size + element : (head * length + row) * size + element
          expected[place] = sum / weights.reduce(0, +)
        }
      }
    }
    #expect(Self.agree(try attention.results(opset: 23)[0], expected))
  }

  @Test func `forms that aren't known stay as they are`() throws {
    let x = Tensor(Self.numbers(12), shape: [3, 4])
    let computed = try Case(
      "MatMulNBits", [x, Tensor([UInt8](repeating: 0, count: 16), shape: [16])])
    let batches = try Case("FusedMatMul", [x, x], [Attribute("transBatchA", .int(1))])
    let empty = try Case("Attention", [], domain: "")
    for graph in [computed.graph, batches.graph, empty.graph] {
      var graph = graph
      let edits = try FusedOperatorDecomposition(opset: 23).run(&graph)
      #expect(edits.isEmpty)
    }
  }

  @Test
  func `quantizers of onnxruntime's domain become the standard's where it has their integers`()
    throws
  {
    for (type, opset, isMoved) in [
      (ElementType.int8, 13, true), (.int16, 13, false), (.int16, 21, true),
    ] {
      let zero =
        type == .int8 ? Tensor(scalar: Int8(3)) : Tensor(scalar: Int16(3))
      var graph = try Case(
        "QuantizeLinear",
        [Tensor(Self.numbers(4), shape: [4]), Tensor(scalar: Float(0.1)), zero], constants: [1, 2]
      ).graph
      _ = try FusedOperatorDecomposition(opset: opset).run(&graph)
      #expect(graph[graph.nodeIDs[0]].op.domain == (isMoved ? "" : "com.microsoft"))
      #expect(graph[graph.nodeIDs[0]].op is QuantizeLinear)
    }
  }
}

extension Double {
  fileprivate var squareRootFloat: Float { Float(squareRoot()) }
}
