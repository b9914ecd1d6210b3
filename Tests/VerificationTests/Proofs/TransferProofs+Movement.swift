import GraphIR
import TensorCore

@testable import Verification

extension TransferProofTests {
  private static func ints(_ name: String, _ values: [Int]) -> Attribute {
    Attribute(name, .ints(values.map { Int64($0) }))
  }

  private static func int(_ name: String, _ value: Int) -> Attribute {
    Attribute(name, .int(Int64(value)))
  }

  /// All samples of a shape through one form of an operator.
  private static func each(
    _ prover: inout Prover, _ shape: [Int], _ others: [Operand?] = [],
    _ attributes: [Attribute] = [], opset: Int = 17, outputs: Int = 1, isTight: Bool = false,
    _ body: @escaping (Dense) -> [Dense]?
  ) {
    for operand in samples(shape) {
      prover.check(
        [operand] + others, attributes, opset: opset, outputs: outputs, isTight: isTight,
        hides: true
      ) { body($0[0]) }
    }
  }

  /// Where the elements stay in a tensor, they stay in it under every fact.
  static let movement: [String: Proof] = [
    ":Identity": { prover in each(&prover, [2, 3], isTight: true) { [$0] } },
    ":Dropout": { prover in
      each(&prover, [2, 3], [], [Attribute("ratio", .float(0.5))], opset: 10) { [$0] }
      let ratio = Operand.constant(.scalar(.float32, 0.5))
      each(&prover, [2, 3], [ratio], outputs: 2, isTight: true) {
        [$0, Dense(.bool, $0.shape, $0.values.map { _ in 1 })]
      }
      for training in [false, true] {
        let dense = Dense.scalar(.bool, training ? 1 : 0)
        for operand in [Operand.constant(dense), .runTime(.real(.sparse(value: "t")), [dense])] {
          prover.check([.grid(1...3, 0.5), ratio, operand]) {
            training ? [$0[0].map { $0 == 0.5 ? 0 : 2 * $0 }] : [$0[0]]
          }
        }
      }
    },
    ":Reshape": { prover in
      for target in [
        [6], [3, 2], [-1], [0, -1], [0, 3], [2, 0], [-1, 2], [1, 2, 3], [3, -1, 1], [-1, 0],
        [0, 0],
        [0, 0, 1], [0, 0, -1], [2, 1, 3, 1], [-1, 0, 1], [1, 0, -1],
      ] {
        each(&prover, [2, 3], [.int64(target)]) { Standard.reshape($0, target).map { [$0] } }
        each(&prover, [2, 3], [.int64(target)], [int("allowzero", 1)]) {
          Standard.reshape($0, target, allowZero: true).map { [$0] }
        }
        for hidden in target.indices {
          var known = target.map { Optional($0) }
          known[hidden] = nil
          each(&prover, [2, 3], [.vector(known, Dense(.int64, target))]) {
            Standard.reshape($0, target).map { [$0] }
          }
        }
      }
    },
    ":Flatten": { prover in
      for axis in -3...3 {
        each(&prover, [2, 1, 3], [], [int("axis", axis)], isTight: true) {
          let split = axis < 0 ? axis + 3 : axis
          let rows = $0.shape[..<split].reduce(1, *)
          return [Dense($0.type, [rows, $0.values.count / rows], $0.values)]
        }
      }
      each(&prover, [2, 1, 3]) { [Dense($0.type, [2, 3], $0.values)] }
    },
    ":Squeeze": { prover in
      for axes in [nil, [0], [-1], [0, 3], [3, 0]] as [[Int]?] {
        let shape =
          axes == nil || axes?.count == 2 ? [2, 3] : axes == [0] ? [2, 3, 1] : [1, 2, 3]
        each(&prover, [1, 2, 3, 1], [], axes.map { [ints("axes", $0)] } ?? [], opset: 11) {
          [Dense($0.type, shape, $0.values)]
        }
        each(&prover, [1, 2, 3, 1], axes.map { [.int64($0)] } ?? [], isTight: true) {
          [Dense($0.type, shape, $0.values)]
        }
      }
      each(&prover, [1, 2, 3, 1], [.vector([nil], Dense(.int64, [0]))]) {
        [Dense($0.type, [2, 3, 1], $0.values)]
      }
    },
    ":Unsqueeze": { prover in
      for (axes, shape) in [
        ([0], [1, 2, 3]), ([-1], [2, 3, 1]), ([1, 3], [2, 1, 3, 1]), ([-4, -1], [1, 2, 3, 1]),
        ([3, 0], [1, 2, 3, 1]), ([1], [2, 1, 3]),
      ] {
        each(&prover, [2, 3], [], [ints("axes", axes)], opset: 11) {
          [Dense($0.type, shape, $0.values)]
        }
        each(&prover, [2, 3], [.int64(axes)], isTight: true) {
          [Dense($0.type, shape, $0.values)]
        }
      }
    },
    ":Transpose": { prover in
      for permutation in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        each(&prover, [2, 1, 3], [], [ints("perm", permutation)], isTight: true) {
          [Standard.transpose($0, permutation)]
        }
      }
      each(&prover, [2, 1, 3]) { [Standard.transpose($0, [2, 1, 0])] }
    },
    ":Split": { prover in
      for axis in [0, 1, -1] {
        for sizes in [[4], [1, 3], [2, 2], [0, 4], [1, 1, 2], [3, 0, 1]] {
          each(
            &prover, [4, 4], [], [int("axis", axis), ints("split", sizes)], opset: 11,
            outputs: sizes.count
          ) { Standard.split($0, axis: axis, sizes: sizes) }
          each(&prover, [4, 4], [.int64(sizes)], [int("axis", axis)], outputs: sizes.count) {
            Standard.split($0, axis: axis, sizes: sizes)
          }
          let hidden = Operand.vector(
            [Int?](repeating: nil, count: sizes.count), Dense(.int64, sizes))
          each(&prover, [4, 4], [hidden], [int("axis", axis)], outputs: sizes.count) {
            Standard.split($0, axis: axis, sizes: sizes)
          }
        }
      }
      for count in 1...4 {
        each(&prover, [5, 2], [], [int("num_outputs", count)], opset: 18, outputs: count) {
          Standard.split($0, axis: 0, sizes: Standard.equalParts(5, count))
        }
        each(&prover, [4, 2], [], opset: 13, outputs: count) {
          4 % count == 0 ? Standard.split($0, axis: 0, sizes: Standard.equalParts(4, count)) : nil
        }
      }
    },
    ":Slice": { prover in
      for start in [-9, -4, -2, 0, 1, 3, 9] {
        for end in [-9, -4, -1, 0, 2, 3, 9, Int.max, Int.min] {
          for step in [1, 2, -1, -3] {
            prover.check(
              [
                .grid(-3...2, 0.5, [2, 3]), .int64([start]), .int64([end]), .int64([1]),
                .int64([step]),
              ], hides: start == 0
            ) {
              // Runtimes differ in where a slice that runs backwards from before the start begins.
              let clamped = step < 0 && start < -3
              var slices = [
                Standard.slice($0[0], axes: [1], starts: [start], ends: [end], steps: [step])
              ]
              if clamped, end < -3 { slices.append(Dense(zeros: [2, 0])) }
              return [slices[slices.count - 1]]
            }
            prover.check(
              [
                .grid(-3...2, 0.5, [2, 3]), .int64([start]), .int64([end]), .int64([1]),
                .int64([step]),
              ]
            ) { [Standard.slice($0[0], axes: [1], starts: [start], ends: [end], steps: [step])] }
          }
        }
      }
      each(&prover, [3, 3], [], [ints("starts", [1, 0]), ints("ends", [3, -1])], opset: 9) {
        [Standard.slice($0, axes: [0, 1], starts: [1, 0], ends: [3, -1], steps: [1, 1])]
      }
      each(
        &prover, [3, 3], [],
        [ints("axes", [1]), ints("starts", [1]), ints("ends", [2])], opset: 9
      ) { [Standard.slice($0, axes: [1], starts: [1], ends: [2], steps: [1])] }
      each(&prover, [3, 3], [.int64([1, 0]), .int64([3, 2]), .int64([-1, 0])]) {
        [Standard.slice($0, axes: [-1, 0], starts: [1, 0], ends: [3, 2], steps: [1, 1])]
      }
      each(&prover, [3, 3], [.int64([1]), .int64([3]), nil, .int64([2])]) {
        [Standard.slice($0, axes: [0], starts: [1], ends: [3], steps: [2])]
      }
      for hidden in 1...4 {
        var inputs: [Operand] = [
          .grid(-3...2, 0.5, [3, 3]), .int64([1]), .int64([3]), .int64([1]), .int64([2]),
        ]
        let value = [1, 3, 1, 2][hidden - 1]
        inputs[hidden] = .vector([nil], Dense(.int64, [value]))
        prover.check(inputs) {
          [Standard.slice($0[0], axes: [1], starts: [1], ends: [3], steps: [2])]
        }
      }
    },
    ":Expand": { prover in
      for target in [[2, 3], [2, 1, 3], [1], [4, 2, 3], [1, 1]] {
        for shape in [[2, 3], [1, 3], [2, 1]] {
          each(&prover, shape, [.int64(target)], isTight: true) {
            Standard.expand($0, target).map { [$0] }
          }
          for axis in target.indices {
            var known = target.map { Optional($0) }
            known[axis] = nil
            each(&prover, shape, [.vector(known, Dense(.int64, target))]) {
              Standard.expand($0, target).map { [$0] }
            }
          }
        }
      }
      // Some runtimes keep a dimension of size 1 for -1.
      prover.check([.grid(1...2, 1, [2, 1]), .int64([2, -1])]) { [$0[0]] }
    },
    ":Tile": { prover in
      each(&prover, [2, 3], [.int64([2, 1])], isTight: true) { [Standard.tile($0, [2, 1])] }
    },
    ":DepthToSpace": { prover in
      each(&prover, [1, 4, 1, 2], [], [int("blocksize", 2)], isTight: true) {
        Standard.depthToSpace($0, 2).map { [$0] }
      }
    },
    ":SpaceToDepth": { prover in
      each(&prover, [1, 1, 2, 4], [], [int("blocksize", 2)], isTight: true) {
        Standard.spaceToDepth($0, 2).map { [$0] }
      }
    },
    ":ReverseSequence": { prover in
      each(
        &prover, [3, 2], [.int64([3, 1])], [int("batch_axis", 1), int("time_axis", 0)],
        isTight: true
      ) { [Standard.reverseSequence($0, [3, 1], batch: 1, time: 0)] }
    },
    ":Resize": { prover in
      let scales = Operand.constant(Dense(.float32, [4], [1, 1, 2, 3]))
      for mode in [nil, "nearest", "linear", "cubic"] as [String?] {
        for coordinates in [nil, "asymmetric", "tf_crop_and_resize"] as [String?] {
          var attributes = mode.map { [Attribute("mode", .string($0))] } ?? []
          if let coordinates {
            attributes.append(
              Attribute("coordinate_transformation_mode", .string(coordinates)))
          }
          for operand in samples([1, 1, 2, 2]) {
            prover.check([operand, nil, scales], attributes, hides: true) {
              var result = Standard.enlarge($0[0], [1, 1, 2, 3])
              // What other modes compute lies between the elements, or is another value.
              if mode == "linear" || mode == "cubic", result.type == .float32 {
                result = result.map { $0 * 0.37 }
              }
              if coordinates == "tf_crop_and_resize" { result.values[0] = 100 }
              return [result]
            }
          }
        }
      }
    },
    ":Upsample": { prover in
      for mode in ["nearest", "linear"] {
        each(
          &prover, [1, 1, 2, 2], [.constant(Dense(.float32, [4], [1, 1, 2, 1]))],
          [Attribute("mode", .string(mode))], opset: 9
        ) { x in
          let result = Standard.enlarge(x, [1, 1, 2, 1])
          return [mode == "linear" && x.type == .float32 ? result.map { $0 * 0.37 } : result]
        }
      }
    },
    ":Constant": { prover in
      let tensor = Dense(.int8, [2, 2], [1, -2, 3, -128])
      if let value = tensor.tensor {
        prover.check([], [Attribute("value", .tensor(value))]) { _ in [tensor] }
      }
      prover.check([], [Attribute("value_float", .float(0.5))]) { _ in [.scalar(.float32, 0.5)] }
      prover.check([], [Attribute("value_int", .int(-7))]) { _ in [.scalar(.int64, -7)] }
      prover.check([], [Attribute("value_ints", .ints([3, -1]))]) { _ in [Dense(.int64, [3, -1])] }
      prover.check([], [Attribute("value_floats", .floats([3, -1]))]) { _ in
        [Dense(.float32, [2], [3, -1])]
      }
      // Either one may be taken where there are two.
      for (first, second) in [(3.0, 5.0), (5, 3)] {
        prover.check(
          [], [Attribute("value_int", .int(3)), Attribute("value_float", .float(5))]
        ) { _ in [.scalar(first == 3 ? .int64 : .float32, second == 5 ? 3 : 5)] }
      }
    },
  ]
}
