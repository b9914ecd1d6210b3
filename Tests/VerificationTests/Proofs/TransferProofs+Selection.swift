import GraphIR
import TensorCore

@testable import Verification

extension TransferProofTests {
  private static func int(_ name: String, _ value: Int) -> Attribute {
    Attribute(name, .int(Int64(value)))
  }

  private static func each(
    _ prover: inout Prover, _ shape: [Int], _ others: [Operand?] = [],
    _ attributes: [Attribute] = [], opset: Int = 17, outputs: Int = 1,
    _ body: @escaping (Dense) -> [Dense]?
  ) {
    for operand in samples(shape) {
      prover.check(
        [operand] + others, attributes, opset: opset, outputs: outputs, hides: true
      ) { body($0[0]) }
    }
  }

  /// Operators that take some elements, or put others beside or in place of them.
  static let selection: [String: Proof] = [
    ":Gather": { prover in
      for indices in [Dense(.int64, [0, -1]), Dense(.int64, [2, 1], [1, 0]), .scalar(.int64, 1)] {
        for axis in [0, 1, -1] {
          each(&prover, [2, 3], [.constant(indices)], [int("axis", axis)]) {
            [Standard.gather($0, indices, axis: axis)]
          }
        }
        each(&prover, [2, 3], [.constant(indices)]) { [Standard.gather($0, indices, axis: 0)] }
      }
    },
    ":GatherElements": { prover in
      let indices = Dense(.int64, [1, 3], [1, 0, -1])
      each(&prover, [2, 3], [.constant(indices)]) {
        [Standard.gatherElements($0, indices, axis: 0)]
      }
    },
    ":GatherND": { prover in
      let indices = Dense(.int64, [2, 2], [1, 0, 0, 2])
      each(&prover, [2, 3], [.constant(indices)]) { [Standard.gatherND($0, indices)] }
    },
    ":Compress": { prover in
      let condition = Operand.constant(Dense(.bool, [4], [1, 0, 0, 1]))
      each(&prover, [2, 3], [condition]) { [Standard.compress($0, [true, false, false, true])] }
    },
    ":TopK": { prover in
      for largest in [true, false] {
        each(&prover, [2, 3], [.int64([2])], [int("largest", largest ? 1 : 0)], outputs: 2) {
          Standard.topK($0, 2, largest: largest)
        }
      }
      each(&prover, [2, 3], [], [int("k", 1)], opset: 9, outputs: 2) {
        Standard.topK($0, 1, largest: true)
      }
    },
    ":Unique": { prover in each(&prover, [2, 3]) { [Standard.unique($0)] } },
    ":Pad": { prover in
      for mode in ["constant", "reflect", "edge", "wrap"] {
        for pads in [[0, 1, 0, 0], [1, 2, 0, 1], [0, -1, 0, 2], [0, 0, 0, 0]] {
          for border in [nil, 0, 1, -2, 0.25, 7, 300, .infinity] as [Double?] {
            for operand in samples([3, 3]) {
              guard case .constant(let dense) = operand else {
                check(&prover, operand, pads, mode, border)
                continue
              }
              if dense.type == .float32 || border.map({ $0 == 0 || $0 == 7 }) ?? true {
                check(&prover, operand, pads, mode, border)
              }
            }
          }
        }
      }
    },
    ":CenterCropPad": { prover in
      for target in [[2, 2], [4, 3], [5, 1]] {
        each(&prover, [2, 3], [.int64(target)], opset: 18) {
          [Standard.centerCropPad($0, target)]
        }
      }
    },
    ":Trilu": { prover in
      for k in -1...1 {
        let operand = Operand.constant(.scalar(.int64, Double(k)))
        each(&prover, [2, 3], [operand]) { [Standard.triangle($0, upper: true, k)] }
        each(&prover, [2, 3], [operand], [int("upper", 0)]) {
          [Standard.triangle($0, upper: false, k)]
        }
      }
    },
    ":Scatter": { prover in
      scatters(&prover, Dense(.int64, [1, 3], [1, 0, 1]), opset: 9) {
        Standard.scatterElements($0, $1, $2, axis: 0)
      }
    },
    ":ScatterElements": { prover in
      scatters(&prover, Dense(.int64, [1, 3], [1, 0, 1]), reduces: true) {
        Standard.scatterElements($0, $1, $2, axis: 0)
      }
    },
    ":ScatterND": { prover in
      scatters(&prover, Dense(.int64, [1, 1], [1]), reduces: true) {
        Standard.scatterND($0, $1, $2)
      }
    },
  ]

  private static func check(
    _ prover: inout Prover, _ operand: Operand, _ pads: [Int], _ mode: String, _ border: Double?
  ) {
    let type = operand.elementType
    let isFloat = type == .float32
    let value = border ?? 0
    // A border that the type doesn't have is none.
    let isWritable =
      isFloat
      || value.isFinite && value.rounded() == value
        && Dense.bounds(type).contains(Int(value))
    guard isWritable else { return }
    let amounts = pads.map { Int64($0) }
    let evaluate: Prover.Evaluator = { Standard.pad($0[0], pads, mode, value).map { [$0] } }
    prover.check(
      [operand, .int64(pads)] + (border.map { [.constant(.scalar(type, $0))] } ?? []),
      [Attribute("mode", .string(mode))], opset: 19, hides: value == 1, evaluate)
    prover.check(
      [operand],
      [Attribute("pads", .ints(amounts)), Attribute("mode", .string(mode))]
        + (border.map { [Attribute("value", .float(Float($0)))] } ?? []), opset: 10, evaluate)
    if border == nil {
      prover.check(
        [operand, .vector([nil, nil, nil, nil], Dense(.int64, pads))],
        mode == "constant" ? [] : [Attribute("mode", .string(mode))], opset: 19, evaluate)
    }
  }

  private static func scatters(
    _ prover: inout Prover, _ indices: Dense, opset: Int = 18, reduces: Bool = false,
    _ body: @escaping (Dense, Dense, Dense) -> Dense
  ) {
    let updates = [1, 3]
    let pairs: [(Operand, Operand)] = [
      (.grid(-3...2, 0.5, [2, 3]), .grid(1...3, 0.5, updates)),
      (.grid(-3...2, 0.5, [2, 3]), .grid(-4 ... -3, 0.25, updates)),
      (.grid(1...2, -0.5, [2, 3]), .grid(1...2, 0.5, updates)),
      (.codes(2...3, .uint8, [2, 3]), .codes(7...9, .uint8, updates)),
      (.codes(2...3, .uint8, [2, 3]), .constant(Dense(.uint8, updates, [9, 9, 250]))),
      (.constant(Dense(.float32, [2, 3], [0, 1, 2, 3, 4, 99])), .grid(-1...1, 1, updates)),
    ]
    for (data, update) in pairs {
      for reduction in reduces ? ["none", "add", "max"] : [""] {
        prover.check(
          [data, .constant(indices), update],
          reduction.isEmpty ? [] : [Attribute("reduction", .string(reduction))], opset: opset,
          hides: true
        ) { inputs in
          var result = body(inputs[0], inputs[1], inputs[2])
          // What is added may be any sum.
          if reduction == "add" { result.values[0] += inputs[2].values[0] }
          return [result]
        }
      }
    }
  }
}
