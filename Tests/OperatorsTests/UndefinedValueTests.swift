import GraphIR
import TensorCore
import Testing

@testable import Execution
@testable import Operators

/// NaN and infinities through what bounds, rectifies and normalises: a result that isn't defined must not look like one.
@Suite struct UndefinedValueTests {
  /// An operator with the result that its formula gives for one element.
  struct Function: Sendable, CustomTestStringConvertible {
    var op: any Operator
    var inputs: [Float] = []
    var value: @Sendable (Float) -> Float
    var testDescription: String { op.type }
  }

  static let functions: [Function] = [
    Function(op: Relu()) { $0 < 0 ? 0 : $0 },
    Function(op: LeakyRelu(alpha: 0.5)) { $0 < 0 ? 0.5 * $0 : $0 },
    Function(op: Clip(), inputs: [-0.5, 1.5]) { $0 < -0.5 ? -0.5 : $0 > 1.5 ? 1.5 : $0 },
    Function(op: HardSigmoid(alpha: 0.25, beta: 0.5)) {
      let y = 0.25 * $0 + 0.5
      return y < 0 ? 0 : y > 1 ? 1 : y
    },
  ]

  private static let special: [Float] = [.nan, .infinity, -.infinity, -1, -0.25, 0, 0.75, 2]

  private static func agree(_ a: [Float], _ b: [Float]) -> Bool {
    a.count == b.count
      && zip(a, b).allSatisfy { $0.isNaN && $1.isNaN || abs($0 - $1) < 1e-5 || $0 == $1 }
  }

  /// What a graph of one path gives.
  private static func run(
    _ elements: [Float], _ shape: [Int], _ steps: [(any Operator, [Tensor])]
  ) throws -> [Float] {
    var graph = Graph()
    let x = graph.addInput(name: "x", type: TensorType(.float32, shape: shape))
    var value = x
    for (index, step) in steps.enumerated() {
      let constants = step.1.enumerated().map {
        graph.addConstant(name: "c\(index)_\($0)", $1)
      }
      value = graph.addNode(
        step.0, name: "n\(index)", inputs: [value] + constants, output: "y\(index)")
    }
    graph.addOutput(value)
    let results = try Session(graph: graph).run([x: Tensor(elements, shape: shape)], fetch: [value])
    return try #require(results[value]).elements(of: Float.self)
  }

  @Test(arguments: functions)
  func `bounds let NaN pass`(_ function: Function) throws {
    // As many as the loops' vectors hold, and more.
    let elements = [[Float]](repeating: Self.special, count: 9).flatMap { $0 } + [.nan, -3, 5]
    let result = try Self.run(
      elements, [elements.count], [(function.op, function.inputs.map { Tensor(scalar: $0) })])
    #expect(Self.agree(result, elements.map(function.value)))
  }

  @Test func `a rectifier behind a sum or a layer lets NaN pass`() throws {
    let rectify: (Float) -> Float = { $0 < 0 ? 0 : $0 }
    let elements = [Float](Self.special + [3, -3])
    let other = Tensor([Float](repeating: 1, count: 10), shape: [1, 10])
    #expect(
      Self.agree(
        try Self.run(elements, [1, 10], [(Add(), [other]), (Relu(), [])]),
        elements.map { rectify($0 + 1) }))
    // Products of a column with one factor, so that every element stays by itself.
    let factor = Tensor([Float(2)], shape: [1, 1])
    for layer: any Operator in [MatMul(), Gemm()] {
      let result = try Self.run(elements, [10, 1], [(layer, [factor]), (Relu(), [])])
      #expect(Self.agree(result, elements.map { rectify(2 * $0) }), "\(layer.type)")
    }
    let kernel = Tensor([Float(2)], shape: [1, 1, 1, 1])
    let images = try Self.run(elements, [1, 1, 2, 5], [(Conv(), [kernel]), (Relu(), [])])
    #expect(Self.agree(images, elements.map { rectify(2 * $0) }))
  }

  @Test func `a line with NaN or infinity has no softmax at all`() throws {
    let lines: [Float] = [1, .nan, 2, 1, .infinity, 2, 1, -.infinity, 2]
    let result = try Self.run(lines, [3, 3], [(Softmax(), [])])
    #expect(result[..<6].allSatisfy { $0.isNaN })
    #expect(result[7] == 0 && abs(result[6] - 1 / (1 + 2.7182817)) < 1e-6)
    // Along the first axis the columns are the lines.
    let columns = try Self.run(lines, [3, 3], [(Softmax(axis: 0), [])])
    #expect(columns.enumerated().allSatisfy { $0 % 3 == 1 ? $1.isNaN : abs($1 - 1 / 3) < 1e-6 })
  }
}
