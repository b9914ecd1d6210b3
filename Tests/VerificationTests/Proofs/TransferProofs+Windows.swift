import GraphIR
import TensorCore

@testable import Verification

extension TransferProofTests {
  static let windows: [String: Proof] = [
    ":MaxPool": { prover in pools(&prover, channelsLast: false) },
    "qonnx.custom_op.channels_last:MaxPool": { prover in pools(&prover, channelsLast: true) },
    ":GlobalMaxPool": { prover in
      for operand in samples([1, 2, 2, 3]) {
        prover.check([operand], hides: true) {
          [Standard.reduced($0[0], axes: [2, 3], keeps: true) { max($0, $1) }]
        }
      }
      prover.check([.grid(-1...2, 0.5, [1, 1, 0])]) {
        [Standard.reduced($0[0], axes: [2], keeps: true) { max($0, $1) }]
      }
    },
    ":ReduceMax": { prover in reductions(&prover) { max($0, $1) } },
    ":ReduceMin": { prover in reductions(&prover) { min($0, $1) } },
    "qonnx.custom_op.general:Im2Col": { prover in
      for border in [nil, 0, 1, 2, -3, 1000] as [Int?] {
        for pads in [[0, 0, 0, 0], [1, 1, 1, 1], [1, 0, 0, 2]] {
          for (kernel, stride, dilations) in [
            ([1, 1], [1, 1], [1, 1]), ([2, 3], [1, 2], [1, 1]), ([2, 1], [2, 1], [2, 1]),
          ] {
            for operand in samples([1, 3, 3, 1]) {
              prover.check(
                [operand],
                [
                  Attribute("kernel_size", .ints(kernel.map { Int64($0) })),
                  Attribute("stride", .ints(stride.map { Int64($0) })),
                  Attribute("dilations", .ints(dilations.map { Int64($0) })),
                  Attribute("pad_amount", .ints(pads.map { Int64($0) })),
                  Attribute("depthwise", .int(0)),
                ] + (border.map { [Attribute("pad_value", .int(Int64($0)))] } ?? [])
              ) { inputs in
                let value = Double(border ?? 0)
                // A border that the type doesn't have is none.
                guard
                  inputs[0].type == .float32
                    || Dense.bounds(inputs[0].type).contains(Int(value))
                else { return nil }
                return [
                  Standard.imageToColumns(
                    inputs[0], kernel: kernel, stride: stride, pads: pads, dilations: dilations,
                    border: value)
                ]
              }
            }
          }
        }
      }
    },
  ]

  private static func ints(_ values: [Int]) -> AttributeValue { .ints(values.map { Int64($0) }) }

  // MARK: Pooling

  private static func pools(_ prover: inout Prover, channelsLast: Bool) {
    func check(
      _ spatial: [Int], kernel: [Int], strides: [Int], dilations: [Int], pads: [Int], ceil: Bool,
      auto: String, operands: [Operand], hides: Bool, states: Bool = true
    ) {
      var attributes = [
        Attribute("kernel_shape", ints(kernel)), Attribute("ceil_mode", .int(ceil ? 1 : 0)),
      ]
      if states {
        attributes += [
          Attribute("strides", ints(strides)), Attribute("dilations", ints(dilations)),
        ]
      }
      attributes +=
        auto == "NOTSET" ? [Attribute("pads", ints(pads))] : [Attribute("auto_pad", .string(auto))]
      for operand in operands {
        prover.check([operand], attributes, hides: hides) { inputs in
          let rank = spatial.count
          let x =
            channelsLast
            ? Standard.transpose(inputs[0], [0, rank + 1] + Array(1...rank)) : inputs[0]
          guard
            let y = Standard.maxPool(
              x, kernel: kernel, strides: strides, dilations: dilations, pads: pads, ceil: ceil,
              auto: auto)
          else { return nil }
          return [
            channelsLast ? Standard.transpose(y, [0] + Array(2...rank + 1) + [1]) : y
          ]
        }
      }
    }
    func operands(_ spatial: [Int]) -> [Operand] {
      let shape = channelsLast ? [1] + spatial + [1] : [1, 1] + spatial
      // Narrow ranges, below zero too: what a window of padding gives is in none of them.
      return [.grid(2...2, -0.5, shape), .codes(-5 ... -5, .int8, shape)]
    }
    for size in 1...4 {
      for kernel in 1...3 {
        for stride in 1...3 {
          for dilation in 1...3 {
            for pads in Dense.indices([3, 3]) {
              for ceil in [false, true] where size % 2 == 0 || !channelsLast {
                check(
                  [size], kernel: [kernel], strides: [stride], dilations: [dilation], pads: pads,
                  ceil: ceil, auto: "NOTSET", operands: Array(operands([size]).prefix(1)),
                  hides: size == 2 && dilation < 3)
              }
            }
            for auto in ["SAME_UPPER", "SAME_LOWER", "VALID"] {
              for ceil in [false, true] {
                check(
                  [size], kernel: [kernel], strides: [stride], dilations: [dilation],
                  pads: [0, 0], ceil: ceil, auto: auto, operands: operands([size]), hides: false)
              }
            }
          }
        }
      }
    }
    // Two axes with paddings of their own.
    for pads in Dense.indices([3, 3, 2, 2]) {
      check(
        [2, 3], kernel: [2, 1], strides: [1, 2], dilations: [1, 1], pads: pads, ceil: false,
        auto: "NOTSET", operands: operands([2, 3]), hides: false)
    }
    check(
      [2, 3], kernel: [2, 2], strides: [1, 1], dilations: [1, 1], pads: [0, 1, 1, 0], ceil: false,
      auto: "NOTSET", operands: samples(channelsLast ? [1, 2, 3, 2] : [1, 2, 2, 3]), hides: true,
      states: false)
    check(
      [0, 3], kernel: [1, 1], strides: [1, 1], dilations: [1, 1], pads: [1, 1, 1, 1], ceil: false,
      auto: "NOTSET", operands: operands([0, 3]), hides: false)
  }

  // MARK: Reductions

  private static func reductions(
    _ prover: inout Prover, _ pick: @escaping (Double, Double) -> Double
  ) {
    for keeps in [true, false] {
      let keep = keeps ? [] : [Attribute("keepdims", .int(0))]
      for operand in samples([2, 3]) {
        for axes in [[0], [1], [-1], [0, 1], []] {
          let reduced = axes.isEmpty ? [0, 1] : axes.map { $0 < 0 ? $0 + 2 : $0 }
          prover.check([operand], keep + [Attribute("axes", ints(axes))], opset: 13, hides: true) {
            [Standard.reduced($0[0], axes: reduced, keeps: keeps, pick)]
          }
          prover.check([operand, .int64(axes)], keep, opset: 18, hides: true) {
            [Standard.reduced($0[0], axes: reduced, keeps: keeps, pick)]
          }
          prover.check(
            [operand, .int64(axes)], keep + [Attribute("noop_with_empty_axes", .int(1))],
            opset: 18, hides: true
          ) {
            axes.isEmpty ? [$0[0]] : [Standard.reduced($0[0], axes: reduced, keeps: keeps, pick)]
          }
        }
        prover.check([operand], keep, opset: 18, hides: true) {
          [Standard.reduced($0[0], axes: [0, 1], keeps: keeps, pick)]
        }
        prover.check([operand, .vector([nil], Dense(.int64, [1]))], keep, opset: 18, hides: true) {
          [Standard.reduced($0[0], axes: [1], keeps: keeps, pick)]
        }
      }
      prover.check([.grid(-1...2, 0.5, [2, 0])], keep + [Attribute("axes", ints([1]))]) {
        [Standard.reduced($0[0], axes: [1], keeps: keeps, pick)]
      }
    }
  }
}
