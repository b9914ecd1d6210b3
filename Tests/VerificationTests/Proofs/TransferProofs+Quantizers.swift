import GraphIR
import TensorCore

@testable import Verification

extension TransferProofTests {
  private static let numbers: [Double] = [
    -9, -4.5, -4, -3.5, -2.5, -1.5, -1, -0.75, -0.5, -0.25, 0, 0.05, 0.25, 0.49999997, 0.5, 0.75,
    1, 1.5, 2.5, 3.5, 4.5, 8.75,
  ].map { Standard.single($0) }

  static let quantizers: [String: Proof] = [
    "qonnx.custom_op.general:Quant": quant, "qonnx.custom_op.general:IntQuant": quant,
    "qonnx.custom_op.general:BipolarQuant": { prover in
      for scale in steps {
        let scale = Operand.constant(.scalar(.float32, Double(scale)))
        for operand in [Operand.real(numbers), .constant(Dense(.float32, [22], numbers))] {
          prover.check([operand, scale], isTight: true) {
            Standard.bipolarQuant($0[0], scale: $0[1]).map { [$0] }
          }
        }
        prover.check([.grid(-4...3, -0.5), scale], hides: true) {
          Standard.bipolarQuant($0[0], scale: $0[1]).map { [$0] }
        }
      }
      for scales in [[1.0, 2], [0.5, 0.5]] {
        let scales = Operand.constant(Dense(.float32, [2, 1], scales))
        for operand in [
          Operand.real(numbers, [1, 22]), .constant(Dense(.float32, [2, 11], numbers)),
        ] {
          prover.check([operand, scales]) {
            Standard.bipolarQuant($0[0], scale: $0[1]).map { [$0] }
          }
        }
      }
      prover.check([.real(numbers), .constant(.scalar(.float32, 0))]) {
        Standard.bipolarQuant($0[0], scale: $0[1]).map { [$0] }
      }
    },
    "qonnx.custom_op.general:Trunc": { prover in
      for (bits, signed) in [(1, false), (2, true), (3, false), (4, true)] {
        for narrow in [false, true] {
          for mode in ["FLOOR", "ROUND", "CEIL", "UP", "HALF_UP"] {
            for (scale, output) in [(0.5, 1), (0.25, 2), (1, 1)] as [(Float, Float)] {
              prover.check(
                [
                  .real(numbers), .constant(.scalar(.float32, Double(scale))),
                  .constant(.scalar(.float32, 0)), .constant(.scalar(.float32, 8)),
                  .constant(.scalar(.float32, Double(output))),
                  .constant(.scalar(.float32, Double(bits))),
                ],
                [
                  Attribute("signed", .int(signed ? 1 : 0)),
                  Attribute("narrow", .int(narrow ? 1 : 0)),
                  Attribute("rounding_mode", .string(mode)),
                ], version: 2
              ) {
                [
                  Standard.truncated(
                    $0[0], scale: scale, output: output, bits: bits, signed: signed,
                    narrow: narrow, mode: mode)
                ]
              }
            }
          }
        }
      }
    },
  ]

  private static let quant: Proof = { prover in
    let modes = ["ROUND", "CEIL", "FLOOR", "UP", "DOWN", "HALF_UP", "HALF_DOWN"]
    func check(
      _ x: Operand, scale: Dense, zero: Dense = .scalar(.float32, 0), bits: Int, signed: Bool,
      narrow: Bool = false, mode: String = "ROUND", isTight: Bool = false, hides: Bool = false
    ) {
      prover.check(
        [
          x, .constant(scale), .constant(zero), .constant(.scalar(.float32, Double(bits))),
        ],
        [
          Attribute("signed", .int(signed ? 1 : 0)), Attribute("narrow", .int(narrow ? 1 : 0)),
          Attribute("rounding_mode", .string(mode)),
        ], isTight: isTight, hides: hides
      ) {
        Standard.quant(
          $0[0], scale: $0[1], zero: $0[2], bits: bits, signed: signed, narrow: narrow,
          mode: mode
        ).map { [$0] }
      }
    }
    let weight = Operand.constant(Dense(.float32, [numbers.count], numbers))
    for scale in [1, -0.5, 0.1] as [Float] {
      let scale = Dense.scalar(.float32, Double(scale))
      for bits in [1, 2, 3] {
        for signed in [false, true] {
          for narrow in [false, true] {
            for mode in modes {
              for zero in mode == "ROUND" ? [0.0, 2, -1] : [2] {
                let zero = Dense.scalar(.float32, zero)
                // Ranges of values that are all reached where the numbers surround them.
                let isTight = abs(scale.values[0]) < 1 && (bits, signed, narrow) != (2, true, true)
                check(
                  .real(numbers), scale: scale, zero: zero, bits: bits, signed: signed,
                  narrow: narrow, mode: mode, isTight: isTight)
                check(
                  weight, scale: scale, zero: zero, bits: bits, signed: signed, narrow: narrow,
                  mode: mode)
              }
            }
          }
        }
      }
    }
    // Parameters that follow an axis, that enlarge the tensor, or that mean nothing.
    let image = Dense(.float32, [2, 11], numbers)
    for scales in [[1.0, 0.5], [0.5, 0.5]] {
      for zeros in [[0.0, 0], [1, -1]] {
        for shape in [[2, 1], [2, 1, 1]] {
          for operand in [Operand.constant(image), .real(numbers, [2, 11])] {
            check(
              operand, scale: Dense(.float32, shape, scales), zero: Dense(.float32, [2, 1], zeros),
              bits: 3, signed: true, hides: true)
          }
        }
      }
    }
    for shape in [[1, 3], [3, 1], [2, 1, 3]] {
      let scale = Dense(.float32, shape, [Double](repeating: 0.5, count: shape.reduce(1, *)))
      check(.real([0.7], [1, 1]), scale: scale, bits: 3, signed: true, hides: true)
      check(.constant(Dense(.float32, [1, 1], [0.7])), scale: scale, bits: 3, signed: true)
    }
    for scale in [0, .infinity, .nan] as [Double] {
      check(.real(numbers), scale: .scalar(.float32, scale), bits: 3, signed: true)
    }
    check(
      .real(numbers), scale: .scalar(.float32, 1), zero: .scalar(.float32, 0.5), bits: 3,
      signed: true)
    // The greatest width, at whose end single precision rounds halves away.
    let far = Operand.real([16_777_214, 16_777_215, 16_777_216, 8_388_607, 8_388_607.5, -1e9])
    for mode in modes {
      for bits in [23, 24] {
        for signed in [false, true] {
          check(far, scale: .scalar(.float32, 1), bits: bits, signed: signed, mode: mode)
        }
      }
    }
    // Quantized again.
    for operand in [
      Operand.grid(-4...3, 0.3), .codes(2...4, .uint8), dequantized([3], axis: 0),
      .constant(Dense(.int8, [3, -3])),
    ] {
      check(operand, scale: .scalar(.float32, 0.5), bits: 2, signed: true)
    }
  }

  // MARK: QuantizeLinear and DequantizeLinear

  static let linearQuantization: [String: Proof] = [
    ":QuantizeLinear": quantizeLinear, "com.microsoft:QuantizeLinear": quantizeLinear,
    ":DequantizeLinear": dequantizeLinear, "com.microsoft:DequantizeLinear": dequantizeLinear,
  ]

  private static let quantizeLinear: Proof = { prover in
    let values = numbers + [1000, -1000, 1e9]
    let weight = Dense(.float32, [1, values.count], values)
    for scale in steps {
      let scale = Dense.scalar(.float32, Double(scale))
      for operand in [Operand.real(values, weight.shape), .constant(weight)] {
        prover.check([operand, .constant(scale)]) {
          [Standard.quantizeLinear($0[0], scale: scale, zero: nil, type: .uint8)]
        }
        for type in [ElementType.int8, .uint8, .int16, .uint16, .int4, .uint4] {
          for zero in [0, 3, Dense.bounds(type).lowerBound, Dense.bounds(type).upperBound] {
            let zero = Dense.scalar(type, Double(zero))
            prover.check(
              [operand, .constant(scale), .constant(zero)], [Attribute("saturate", .int(1))],
              opset: 21, isTight: type == .int8 && zero.values == [0] && abs(scale.values[0]) <= 1
            ) { [Standard.quantizeLinear($0[0], scale: scale, zero: $0[2], type: type)] }
            // The attribute that repeats the type, and one that contradicts it.
            for stated in [type, .float8E5M2] {
              prover.check(
                [operand, .constant(scale), .constant(zero)],
                [Attribute("output_dtype", .int(Int64(stated.rawValue)))], opset: 21
              ) {
                stated == type
                  ? [Standard.quantizeLinear($0[0], scale: scale, zero: $0[2], type: type)] : nil
              }
            }
          }
          prover.check(
            [operand, .constant(scale)],
            [Attribute("output_dtype", .int(Int64(type.rawValue)))], opset: 21
          ) { [Standard.quantizeLinear($0[0], scale: scale, zero: nil, type: type)] }
        }
      }
    }
    for axis in [0, 1, -1] {
      let image = Dense(.float32, [2, 3], [-1, 2, 3.5, 0.25, -9, 40])
      let count = image.shape[axis < 0 ? axis + 2 : axis]
      let scale = Dense(.float32, [count], (0..<count).map { 0.5 * Double($0 + 1) })
      let zero = Dense(.int8, (0..<count).map { $0 - 1 })
      for operand in [Operand.constant(image), .real(image.values, image.shape)] {
        let attributes = axis == 1 ? [] : [Attribute("axis", .int(Int64(axis)))]
        prover.check([operand, .constant(scale), .constant(zero)], attributes, hides: true) {
          [
            Standard.quantizeLinear(
              $0[0], scale: scale, zero: zero, type: .int8, axis: axis < 0 ? axis + 2 : axis)
          ]
        }
      }
    }
    // Integers that are quantized, as constants and at run time.
    let scale = Dense.scalar(.float32, 2)
    for operand in [Operand.constant(Dense(.int32, [300, -5])), .codes(2...4, .int32)] {
      prover.check([operand, .constant(scale)]) {
        [Standard.quantizeLinear($0[0], scale: scale, zero: nil, type: .uint8)]
      }
    }
    prover.check([.real(values), .constant(.scalar(.float32, 0))]) {
      [$0[0].map { $0 > 0 ? 255 : 0 }].map { Dense(.uint8, $0.shape, $0.values) }
    }
  }

  private static let dequantizeLinear: Proof = { prover in
    for type in [ElementType.int8, .uint8, .int16, .int4, .uint4, .int32] {
      for range in ranges(type) {
        for scale in steps {
          let scale = Dense.scalar(.float32, Double(scale))
          // Single precision rounds the greatest ones together.
          prover.check([.codes(range, type), .constant(scale)], isTight: type != .int32) {
            [Standard.dequantizeLinear($0[0], scale: scale, zero: nil)]
          }
          if type == .int32 { continue }
          for zero in [3, Dense.bounds(type).lowerBound, Dense.bounds(type).upperBound] {
            prover.check(
              [
                .codes(range, type), .constant(scale), .constant(.scalar(type, Double(zero))),
              ], isTight: true
            ) { [Standard.dequantizeLinear($0[0], scale: scale, zero: $0[2])] }
          }
        }
      }
    }
    for axis in [0, 1, -1] {
      let codes = Dense(.int8, [2, 3], [-128, 127, 0, 3, -9, 40])
      let count = codes.shape[axis < 0 ? axis + 2 : axis]
      for equal in [false, true] {
        let scale = Dense(
          .float32, [count], (0..<count).map { equal ? 0.5 : 0.5 * Double($0 + 1) })
        for zero in [
          Dense(.int8, (0..<count).map { $0 - 1 }), Dense(.int8, (0..<count).map { _ in 2 }),
        ] {
          for operand in [Operand.constant(codes), .codes(2...5, .int8, [2, 3])] {
            let attributes = axis == 1 ? [] : [Attribute("axis", .int(Int64(axis)))]
            prover.check([operand, .constant(scale), .constant(zero)], attributes, hides: true) {
              [
                Standard.dequantizeLinear(
                  $0[0], scale: scale, zero: zero, axis: axis < 0 ? axis + 2 : axis)
              ]
            }
          }
        }
      }
    }
    prover.check([
      quantized([-300, 1, 3], [3], scale: 0.5, zero: -3, .int8),
      .constant(.scalar(.float32, 0.25)), .constant(.scalar(.int8, -3)),
    ]) { [Standard.dequantizeLinear($0[0], scale: $0[1], zero: $0[2])] }
    // Codes that were dequantized already aren't codes.
    prover.check([dequantized([2], axis: 0), .constant(.scalar(.float32, 2))]) {
      [Standard.dequantizeLinear($0[0], scale: $0[1], zero: nil)]
    }
  }
}
