import GraphIR
import TensorCore
import Testing

@testable import Verification

/// Integer vectors that models compute from shapes, held against concrete elements with each of them known or not.
@Suite struct VectorProofTests {
  /// The vector with every subset of its elements hidden.
  static func hidden(_ values: [Int]) -> [Operand] {
    (0..<(1 << values.count)).map { mask in
      .vector(
        values.indices.map { mask >> $0 & 1 == 0 ? values[$0] : nil }, Dense(.int64, values))
    }
  }

  @Test(arguments: ["Add", "Sub", "Mul", "Div"])
  func `arithmetic of vectors is exact, or unknown where it leaves 64 bits`(_ type: String) {
    let operation: Standard.Arithmetic =
      ["Add": .add, "Sub": .subtract, "Mul": .multiply, "Div": .divide][type] ?? .add
    var prover = Prover("", type)
    for (a, b) in [
      ([3, -4, 7], [2, 5, -3]), ([6], [1, 2, 4]), ([6, 9], [3]), ([7, -7], [2, 2]),
      ([1, 2], [0, 1]),
    ] {
      for left in Self.hidden(a) {
        for right in Self.hidden(b) {
          prover.check([left, right]) {
            Standard.arithmetic(operation, $0[0], $0[1]).map { [$0] }
          }
        }
      }
    }
    for pair in [[Int.max, 1], [Int.min, -1], [Int.min, 1], [Int.max, 2]] {
      // Beyond 64 bits nothing is claimed: no number would be allowed.
      prover.check([.vector([pair[0]], Dense(.int64, [0])), .vector([pair[1]], Dense(.int64, [0]))])
      { _ in
        let (a, b) = (pair[0], pair[1])
        let exact: (partialValue: Int, overflow: Bool) =
          switch operation {
          case .add: a.addingReportingOverflow(b)
          case .subtract: a.subtractingReportingOverflow(b)
          case .multiply: a.multipliedReportingOverflow(by: b)
          case .divide: a.dividedReportingOverflow(by: b)
          }
        // As numbers of double precision would round, only small results are compared.
        return exact.overflow
          ? [Dense(.int64, [7])]
          : exact.partialValue.magnitude < 1 << 50 ? [Dense(.int64, [exact.partialValue])] : nil
      }
    }
    #expect(prover.cases > 0)
  }

  @Test func `vectors of other types than int64 may wrap and are unknown`() {
    var prover = Prover("", "Add")
    let narrow = Operand.constant(Dense(.int32, [2_000_000_000]))
    prover.check([narrow, narrow]) { Standard.arithmetic(.add, $0[0], $0[1]).map { [$0] } }
    var cast = Prover("", "Cast")
    for target in [ElementType.int64, .int32, .int8] {
      for operand in [Operand.int64([300, -5]), .vector([300, nil], Dense(.int64, [300, -5]))] {
        cast.check([operand], [Attribute("to", .int(Int64(target.rawValue)))]) {
          Standard.cast($0[0], target).map { [$0] }
        }
      }
    }
    #expect(prover.cases + cast.cases == 7)
  }

  @Test func `moves of vectors keep what is known of each element`() {
    let values = [2, 3, 5]
    for vector in Self.hidden(values) {
      var slice = Prover("", "Slice")
      for (start, end, step) in [
        (0, 2, 1), (-2, 9, 1), (2, -9, -1), (-1, 0, -2), (0, 3, 2), (-9, 2, 1), (-9, -9, -1),
      ] {
        slice.check([vector, .int64([start]), .int64([end]), .int64([0]), .int64([step])]) {
          [Standard.slice($0[0], axes: [0], starts: [start], ends: [end], steps: [step])]
        }
      }
      var gather = Prover("", "Gather")
      for indices in [
        Dense.scalar(.int64, 1), Dense(.int64, [-1, 0]), Dense(.int64, [1, 1], [2]),
      ] {
        gather.check([vector, .constant(indices)], [Attribute("axis", .int(0))]) {
          [Standard.gather($0[0], indices, axis: 0)]
        }
      }
      var concat = Prover("", "Concat")
      concat.check([vector, .int64([7]), vector], [Attribute("axis", .int(0))]) {
        Standard.concat($0.all, axis: 0).map { [$0] }
      }
      var reshape = Prover("", "Reshape")
      for target in [[-1], [3], [3, 1]] {
        reshape.check([vector, .int64(target)]) { Standard.reshape($0[0], target).map { [$0] } }
      }
      for type in ["Identity", "Unsqueeze", "Squeeze", "Flatten"] {
        var prover = Prover("", type)
        let shape = ["Identity": [3], "Squeeze": [3], "Unsqueeze": [1, 3], "Flatten": [3, 1]][type]
        prover.check([vector] + (type == "Unsqueeze" ? [.int64([0])] : [])) {
          [Dense(.int64, shape ?? [], $0[0].values)]
        }
      }
    }
    var scalar = Prover("", "Unsqueeze")
    scalar.check([.vector([4], .scalar(.int64, 4)), .int64([0])]) { _ in [Dense(.int64, [4])] }
    #expect(scalar.cases == 1)
  }

  @Test func `a dimension of the input is found again behind its own arithmetic`() throws {
    // Reshape(x, Concat(Shape(x)[0:1], [Shape(x)[1] * Shape(x)[2]])) of x: (?, 4, 5) gives (?, 20).
    var graph = Graph(name: "test")
    let x = graph.addInput(
      name: "x", type: TensorType(.float32, [.symbolic("N"), 4, 5]))
    func node(_ type: String, _ inputs: [ValueID?], _ attributes: [Attribute] = []) -> ValueID {
      graph.addNode(
        OpaqueOperator(domain: "", type: type, attributes: attributes), name: type, inputs: inputs,
        output: "\(type)\(graph.valueIDs.count)")
    }
    func number(_ value: Int64) -> ValueID {
      graph.addConstant(name: "c", Tensor([value], shape: [1]))
    }
    let shape = node("Shape", [x])
    let first = node("Slice", [shape, number(0), number(1)])
    let rest = node(
      "Mul", [node("Gather", [shape, number(1)]), node("Gather", [shape, number(2)])])
    let target = node("Concat", [first, rest], [Attribute("axis", .int(0))])
    let reshaped = node("Reshape", [x, target])
    graph.addOutput(reshaped)
    let analysis = try FactAnalysis(
      Model(graph: graph, irVersion: 8, opsets: [OpsetImport(domain: "", version: 17)]))
    #expect(analysis.facts.vector(of: target)?.map(\.known) == [nil, 20])
    #expect(analysis.facts.shape(of: reshaped)?.map(\.known) == [nil, 20])
  }
}
