import GraphIR
import TensorCore

@testable import Verification

extension TransferProofTests {
  static let arithmetic: [String: Proof] = [
    ":Relu": { prover in
      for range in ranges {
        for step in steps {
          prover.check([.grid(range, step)], isTight: true) { [Standard.relu($0[0])] }
        }
      }
      for type in [ElementType.int8, .int32, .int16] {
        for range in ranges(type) {
          prover.check([.codes(range, type)], isTight: true) { [Standard.relu($0[0])] }
        }
      }
      for operand in integerConstants + [.constant(Dense(.float32, [2], [-1, 2]))] {
        prover.check([operand]) { [Standard.relu($0[0])] }
      }
    },
    ":Neg": { prover in
      for range in ranges {
        for step in steps {
          prover.check([.grid(range, step)], isTight: true) { [Standard.negate($0[0])] }
        }
      }
      for type in [ElementType.int8, .int16, .int32] {
        for range in ranges(type) {
          prover.check([.codes(range, type)], isTight: true) { [Standard.negate($0[0])] }
        }
        prover.check([constant(type, corners(type))]) { [Standard.negate($0[0])] }
      }
      prover.check([quantized([-300, 1, 3], [3], scale: 1, zero: 0, .int8)]) {
        [Standard.negate($0[0])]
      }
    },
    ":Add": { prover in
      integerPairs(&prover) { Standard.arithmetic(.add, $0, $1) }
      floatPairs(&prover) { Standard.arithmetic(.add, $0, $1) }
    },
    ":Sub": { prover in
      integerPairs(&prover) { Standard.arithmetic(.subtract, $0, $1) }
      floatPairs(&prover) { Standard.arithmetic(.subtract, $0, $1) }
    },
    ":Mul": { prover in
      integerPairs(&prover) { Standard.arithmetic(.multiply, $0, $1) }
      floatPairs(&prover) { Standard.arithmetic(.multiply, $0, $1) }
    },
    ":Div": { prover in
      integerPairs(&prover) { Standard.arithmetic(.divide, $0, $1) }
      floatPairs(&prover) { Standard.arithmetic(.divide, $0, $1) }
    },
    ":Cast": { prover in
      let targets: [ElementType] = [
        .float32, .float64, .int4, .uint4, .int8, .uint8, .int16, .uint16, .int32, .uint32, .int64,
        .bool,
      ]
      for target in targets {
        let to = [Attribute("to", .int(Int64(target.rawValue)))]
        for source in [ElementType.int4, .uint4, .int8, .uint8, .int16, .uint16, .int32, .uint32] {
          for range in ranges(source) {
            prover.check([.codes(range, source)], to) { Standard.cast($0[0], target).map { [$0] } }
          }
          prover.check([constant(source, corners(source))], to) {
            Standard.cast($0[0], target).map { [$0] }
          }
        }
        // The greatest integers that single precision holds, and the ones beyond.
        for last in [1 << 24, (1 << 24) + 1] {
          for source in [ElementType.int32, .uint32] {
            for values in [0...last] + (source == .int32 ? [-last...0] : []) {
              prover.check([constant(source, [values.lowerBound, values.upperBound])], to) {
                Standard.cast($0[0], target).map { [$0] }
              }
              let wide = Operand.codes(values.upperBound - 2...values.upperBound, source)
              prover.check([wide], to) { Standard.cast($0[0], target).map { [$0] } }
            }
          }
        }
        for range in [-4...3, 0...3, -1...0] {
          for step in [Float(1), -0.5] {
            prover.check([.grid(range, step)], to) { Standard.cast($0[0], target).map { [$0] } }
          }
        }
        prover.check([.constant(Dense(.bool, [2], [0, 1]))], to) {
          Standard.cast($0[0], target).map { [$0] }
        }
        prover.check([.constant(Dense(.float32, [2], [1.5, 3]))], to) {
          Standard.cast($0[0], target).map { [$0] }
        }
        prover.check([dequantized([2, 2], axis: 0)], to) {
          Standard.cast($0[0], target).map { [$0] }
        }
      }
    },
  ]

  static let integerConstants: [Operand] =
    [ElementType.int4, .int8, .int16, .int32].map { constant($0, corners($0)) } + [
      quantized([-300, -2, 1, 3, 300], [5], scale: 0.5, zero: -3, .int8),
      quantized([-300, -2, 1, 3, 300], [5], scale: -0.5, zero: 2, .uint8),
    ]

  private static func columns(_ operand: Operand, isFirst: Bool) -> Operand {
    func column(_ tensor: Dense) -> Dense {
      var result = tensor
      result.shape = isFirst ? [tensor.values.count, 1] : [1, tensor.values.count]
      return result
    }
    return switch operand {
    case .constant(let tensor): .constant(column(tensor))
    case .runTime(let fact, let tensors): .runTime(fact, tensors.map(column))
    case .vector: operand
    }
  }

  /// Every pair of integers of small ranges at the ends of their types, computed at run time or constant.
  static func integerPairs(_ prover: inout Prover, _ operation: @escaping (Dense, Dense) -> Dense?)
  {
    func check(_ a: Operand, _ b: Operand, isTight: Bool = false) {
      prover.check(
        [columns(a, isFirst: true), columns(b, isFirst: false)], isTight: isTight
      ) { operation($0[0], $0[1]).map { [$0] } }
    }
    for type in [ElementType.int8, .uint8, .int32] {
      let all = ranges(type)
      for (index, a) in all.enumerated() {
        for b in all[(index % 2)...].enumerated() where b.offset % 2 == 0 {
          check(.codes(a, type), .codes(b.element, type), isTight: prover.type != "Div")
        }
        check(.codes(a, type), constant(type, corners(type)))
        check(constant(type, [0, 1, 2]), .codes(a, type), isTight: prover.type != "Div")
      }
      check(constant(type, corners(type)), constant(type, corners(type)))
    }
    check(quantized([1, 2, 3], [3], scale: 1, zero: 0, .int8), .codes(1...2, .int8))
    check(constant(.int64, [1, 2]), constant(.int64, [3, 4]))
  }

  /// Multiples of steps with constants and with each other.
  static func floatPairs(_ prover: inout Prover, _ operation: @escaping (Dense, Dense) -> Dense?) {
    for range in ranges {
      for step in [Float(1), -0.5, 0.1] {
        for factor in [2, -3, 0.1, -0.5, 0, .infinity, 1e-44] as [Double] {
          let factor = Operand.constant(.scalar(.float32, Standard.single(factor)))
          prover.check([.grid(range, step), factor]) { operation($0[0], $0[1]).map { [$0] } }
          prover.check([factor, .grid(range, step)]) { operation($0[0], $0[1]).map { [$0] } }
        }
      }
    }
    for factors in [[2, 2], [2, 3], [-1, 1]] as [[Double]] {
      let factors = Operand.constant(Dense(.float32, [2, 1], factors))
      prover.check([.grid(-2...3, 0.5), factors]) { operation($0[0], $0[1]).map { [$0] } }
      prover.check([factors, .grid(-2...3, 0.5)]) { operation($0[0], $0[1]).map { [$0] } }
    }
    for step in [Float(0.5), -0.5, 0.25] {
      let other = columns(.grid(-3...1, step), isFirst: false)
      prover.check([columns(.grid(-2...3, 0.5), isFirst: true), other]) {
        operation($0[0], $0[1]).map { [$0] }
      }
    }
    // Steps so small that products lose digits.
    prover.check([.grid(-4...3, 0x1p-126), .constant(.scalar(.float32, 0.75))]) {
      operation($0[0], $0[1]).map { [$0] }
    }
  }
}
