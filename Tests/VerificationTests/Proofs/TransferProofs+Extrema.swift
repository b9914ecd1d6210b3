import GraphIR
import TensorCore

@testable import Verification

extension TransferProofTests {
  static let extrema: [String: Proof] = [
    ":Clip": { prover in
      floatClips(&prover)
      integerClips(&prover)
    },
    ":Max": { prover in
      joins(&prover, isTight: false) { tensors in
        Dense.combine(tensors, tensors[0].type) { $0.max() }
      }
    },
    ":Min": { prover in
      joins(&prover, isTight: false) { tensors in
        Dense.combine(tensors, tensors[0].type) { $0.min() }
      }
    },
    ":Concat": { prover in
      joins(&prover, isTight: true, [Attribute("axis", .int(0))]) {
        Standard.concat($0, axis: 0)
      }
      joins(&prover, isTight: true, [Attribute("axis", .int(-1))]) {
        Standard.concat($0, axis: -1)
      }
    },
    ":Where": { prover in
      for pair in pairs where pair.count == 2 {
        for condition in [[0.0, 1], [1, 1], [0, 0]] {
          let condition = Operand.runTime(
            .real(.sparse(value: "c")), [Dense(.bool, [2, 1], condition)])
          prover.check([condition] + pair) { inputs in
            guard inputs[1].type == inputs[2].type else { return nil }
            return Dense.combine(inputs.all, inputs[1].type) { $0[$0[0] != 0 ? 1 : 2] }
              .map { [$0] }
          }
        }
      }
    },
    "qonnx.custom_op.general:MultiThreshold": { prover in
      let x = Operand.real([-1, 0, 0.5, 1, 2, 3, 4, 9], [1, 2, 4])
      for thresholds in [
        Dense(.float32, [2, 3], [0, 1, 2, 0.5, 0.5, 3]), Dense(.float32, [1, 1], [1]),
      ] {
        for scale in [1, -1, 0.5, -0.5, 0.1, 0] as [Float] {
          for bias in [0, 1, -4, 0.5, -0.25, 0.3] as [Float] {
            for axis in ["NCHW", ""] {
              prover.check(
                [x, .constant(thresholds)],
                [
                  Attribute("out_scale", .float(scale)), Attribute("out_bias", .float(bias)),
                ] + (axis.isEmpty ? [] : [Attribute("data_layout", .string(axis))])
              ) { [Standard.multiThreshold($0[0], $0[1], scale: scale, bias: bias)] }
            }
          }
        }
        prover.check([x, .constant(thresholds)], isTight: thresholds.shape == [1, 1]) {
          [Standard.multiThreshold($0[0], $0[1], scale: 1, bias: 0)]
        }
      }
    },
  ]

  /// Two or three operands that an operator picks elements of.
  static let pairs: [[Operand]] = {
    var result: [[Operand]] = []
    for (a, b) in [(-4 ... -2, 1...3), (-1...2, 0...3), (2...3, -4...3), (1...1, 2...2)] {
      for (step, other) in [
        (0.5, 0.5), (-0.5, -0.5), (0.5, -0.5), (0.5, 0.25), (1, 0.1),
      ] as [(Float, Float)] {
        result.append([.grid(a, step), .grid(b, other)])
      }
    }
    for type in [ElementType.int8, .uint8] {
      for a in ranges(type).prefix(6) {
        for b in ranges(type).suffix(9) { result.append([.codes(a, type), .codes(b, type)]) }
      }
      result.append([constant(type, corners(type)), .codes(1...2, type)])
      result.append([.codes(1...2, type), constant(type, corners(type))])
      result.append([constant(type, [3, 4]), constant(type, [2, 9])])
      result.append([.codes(1...2, type), .codes(5...5, type), .codes(3...4, type)])
    }
    result.append([.grid(-1...2, 0.5), .constant(Dense(.float32, [2], [0.5, 100]))])
    result.append([.constant(Dense(.float32, [2], [0.5, 100])), .grid(-1...2, 0.5)])
    result.append([quantized([1, 9], [2], scale: 1, zero: 0, .int8), constant(.int8, [4, 5])])
    result.append([dequantized([2], axis: 0), dequantized([2], axis: 0)])
    result.append([.grid(1...2, 0.5), .grid(2...3, 0.5), .grid(-1...0, 0.5)])
    result += [
      [.grid(1...2, -0.5)], [.codes(3...4, .uint8)], [constant(.int8, [-3, 3])],
      [dequantized([2], axis: 0)],
    ]
    return result.map { operands in
      // All pairs of elements where two operands meet.
      operands.enumerated().map { position, operand in
        position == 0 ? reshaped(operand, first: true) : reshaped(operand, first: false)
      }
    }
  }()

  private static func reshaped(_ operand: Operand, first: Bool) -> Operand {
    switch operand {
    case .runTime(.constant(let fact), let tensors):
      .runTime(
        .constant(fact.reshaped(shape(tensors[0], first)) ?? fact),
        tensors.map { Dense($0.type, shape($0, first), $0.values) })
    case .runTime(let fact, let tensors):
      .runTime(fact, tensors.map { Dense($0.type, shape($0, first), $0.values) })
    case .constant(let tensor):
      .constant(Dense(tensor.type, shape(tensor, first), tensor.values))
    case .vector: operand
    }
  }

  private static func shape(_ tensor: Dense, _ first: Bool) -> [Int] {
    first ? [tensor.values.count, 1] : [1, tensor.values.count]
  }

  private static func flat(_ operand: Operand) -> Operand {
    switch operand {
    case .runTime(.constant(let fact), let tensors):
      .runTime(
        .constant(fact.reshaped([tensors[0].values.count]) ?? fact),
        tensors.map { Dense($0.type, [$0.values.count], $0.values) })
    case .runTime(let fact, let tensors):
      .runTime(fact, tensors.map { Dense($0.type, [$0.values.count], $0.values) })
    case .constant(let tensor):
      .constant(Dense(tensor.type, [tensor.values.count], tensor.values))
    case .vector: operand
    }
  }

  private static func joins(
    _ prover: inout Prover, isTight: Bool, _ attributes: [Attribute] = [],
    _ body: @escaping ([Dense]) -> Dense?
  ) {
    for pair in pairs {
      // Concat needs operands that lie along its axis.
      let operands = attributes.isEmpty ? pair : pair.map(flat)
      prover.check(operands, attributes, isTight: isTight) { inputs in
        let tensors = inputs.all
        guard Set(tensors.map(\.type)).count == 1 else { return nil }
        return body(tensors).map { [$0] }
      }
    }
  }

  // MARK: Clip

  private static func floatClips(_ prover: inout Prover) {
    let limits: [Float?] = [
      nil, -10, -1.25, -1, -0.3, 0, 0.25, 0.3, 1, 10, .infinity, -.infinity, .nan,
    ]
    func check(_ operand: Operand, _ low: Float?, _ high: Float?, asAttributes: Bool) {
      var inputs: [Operand?] = [operand]
      var attributes: [Attribute] = []
      if asAttributes {
        if let low { attributes.append(Attribute("min", .float(low))) }
        if let high { attributes.append(Attribute("max", .float(high))) }
      } else {
        inputs += [low, high].map { $0.map { .constant(.scalar(.float32, Double($0))) } }
      }
      prover.check(inputs, attributes, opset: asAttributes ? 10 : 13) { inputs in
        if low?.isNaN ?? false || high?.isNaN ?? false { return [inputs[0].map { _ in .nan }] }
        return [Standard.clip(inputs[0], low.map { Double($0) }, high.map { Double($0) })]
      }
    }
    for low in limits {
      for high in limits {
        for step in steps {
          for range in [-4...3, 1...3, -4 ... -2, -3...0] {
            check(.grid(range, step), low, high, asAttributes: false)
            if step.magnitude == 0.5 { check(.grid(range, step), low, high, asAttributes: true) }
          }
        }
        check(.constant(Dense(.float32, [2], [-3, 3])), low, high, asAttributes: false)
        check(dequantized([3], axis: 0), low, high, asAttributes: false)
      }
    }
    for low in [nil, -1, 0, 0.25, 1] as [Float?] {
      for high in [nil, -1, 0, 0.25, 1] as [Float?] {
        for step in [Float(0.5), -0.5] {
          for range in ranges { check(.grid(range, step), low, high, asAttributes: false) }
        }
      }
    }
    for (low, high) in [(-1, 1), (-1.5, 0.5), (0, 100), (-100, 0), (1, 1)] as [(Double, Double)] {
      for step in [Float(0.5), -0.5] {
        prover.check(
          [
            .grid(-4...3, step), .constant(.scalar(.float32, low)),
            .constant(.scalar(.float32, high)),
          ], isTight: true
        ) { [Standard.clip($0[0], low, high)] }
      }
    }
    // A limit that is computed at run time, or that has two elements, bounds nothing.
    prover.check([.grid(-4...3, 1), .real([5], [])]) { [Standard.clip($0[0], 5, nil)] }
    prover.check([.grid(-4...3, 1), nil, .constant(Dense(.float32, [2], [0, -9]))]) {
      [Standard.clip($0[0], nil, -9)]
    }
  }

  private static func integerClips(_ prover: inout Prover) {
    for type in [ElementType.int8, .uint8, .int16, .int32] {
      let full = Dense.bounds(type)
      let near = full.lowerBound < 0 ? [-3, 0, 1] : [2, 4, 5]
      let limits: [Int?] = [nil, full.lowerBound, full.upperBound, full.lowerBound + 1] + near
      for low in limits {
        for high in limits {
          let bounds: [Operand?] = [low, high].map {
            $0.map { .constant(.scalar(type, Double($0))) }
          }
          let isEmpty = (low ?? full.lowerBound) > (high ?? full.upperBound)
          let all = ranges(type).enumerated()
          // Types of one sign behave alike, so that a few ranges of the wide ones do.
          for (index, range) in all where index % 3 == 0 || [.int8, .uint8].contains(type) {
            prover.check([.codes(range, type)] + bounds, isTight: !isEmpty) {
              [Standard.clip($0[0], low.map(Double.init), high.map(Double.init))]
            }
          }
          prover.check([constant(type, corners(type))] + bounds) {
            [Standard.clip($0[0], low.map(Double.init), high.map(Double.init))]
          }
          if [.int8, .uint8].contains(type) {
            let weight = quantized([-300, -2, 0, 3, 300], [5], scale: 0.5, zero: 1, type)
            prover.check([weight] + bounds) {
              [Standard.clip($0[0], low.map(Double.init), high.map(Double.init))]
            }
          }
        }
      }
    }
  }
}
