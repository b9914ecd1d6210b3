import GraphIR
import TensorCore
import TestSupport
import Testing

@testable import Verification

/// Derived element types, shapes and integer vectors, held against those of concrete tensors, where the verifier sees all
/// of the inputs' dimensions and where it sees some.
@Suite struct ShapeProofTests {
  typealias Proof = TransferProofTests.Proof

  static let proofs: [String: Proof] = [same, broadcasts, dotProducts, others]
    .reduce(into: [:]) { $0.merge($1) { first, _ in first } }

  @Test(arguments: proofs.keys.sorted())
  func `derived shapes and vectors are those of the standard`(_ name: String) throws {
    let colon = try #require(name.lastIndex(of: ":"))
    var prover = Prover(String(name[..<colon]), String(name[name.index(after: colon)...]))
    let proof = try #require(Self.proofs[name])
    proof(&prover)
    #expect(prover.cases > 0)
  }

  @Test func `an operator without a proof derives no shape`() throws {
    for (domain, type, definition) in OperatorTable.all {
      let name = "\(domain):\(type)"
      if Self.proofs[name] != nil || TransferProofTests.proofs[name] != nil { continue }
      for shape in [[2, 2], [1, 2, 2, 2], [3]] {
        for count in definition.inputs.lowerBound...min(definition.inputs.upperBound, 9) {
          var graph = Graph(name: "shapes")
          let inputs = (0..<count).map { _ in
            graph.addInput(name: "x", type: TensorType(.float32, shape: shape))
          }
          let node = graph.addNode(
            OpaqueOperator(domain: domain, type: type, attributes: []), name: "node",
            inputs: inputs, output: "y")
          let producer = try #require(graph.producer(of: node))
          let context = NodeContext(
            graph: graph, node: producer, opset: 17, facts: FactTable(graph: graph))
          #expect(definition.shape(context, 0) == nil, "\(name)")
        }
      }
    }
  }

  private static func int(_ name: String, _ value: Int) -> Attribute {
    Attribute(name, .int(Int64(value)))
  }

  private static func zeros(_ shape: [Int], _ type: ElementType = .float32) -> Operand {
    .runTime(
      type == .float32
        ? .real(.unquantizedInput(value: "x", origin: .graphInput))
        : CodeRange(of: type).map { .codes($0) } ?? .real(.sparse(value: "x")),
      [Dense(zeros: shape, type)])
  }

  // MARK: The first input's own shape

  static let same: [String: Proof] = {
    var table: [String: Proof] = [:]
    for type in [
      "Abs", "Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "Ceil", "Celu", "Cos", "Cosh",
      "Elu",
      "Erf", "Exp", "Floor", "Gelu", "HardSigmoid", "HardSwish", "Hardmax", "LRN", "LeakyRelu",
      "Log", "LogSoftmax", "LpNormalization", "MeanVarianceNormalization", "Mish", "Reciprocal",
      "Round", "Selu", "Shrink", "Sigmoid", "Sign", "Sin", "Sinh", "Softmax", "Softplus",
      "Softsign",
      "Sqrt", "Swish", "Tan", "Tanh", "ThresholdedRelu", "com.microsoft:Gelu",
      "com.microsoft:QuickGelu", "com.microsoft:FastGelu", "ai.onnx.ml:Binarizer",
      "ai.onnx.ml:Imputer",
    ] {
      table[type.contains(":") ? type : ":\(type)"] = { prover in
        for shape in [[2, 3], [], [1, 4, 2]] {
          prover.check([zeros(shape)], hides: true) { [Dense(zeros: $0[0].shape)] }
        }
      }
    }
    table[":BitwiseNot"] = { prover in
      prover.check([zeros([2, 3], .int8)], hides: true) { [$0[0]] }
    }
    for type in ["IsInf", "IsNaN", "Not"] {
      table[":\(type)"] = { prover in
        prover.check([zeros([2, 3])], hides: true) { [Dense(zeros: $0[0].shape, .bool)] }
      }
    }
    table[":CastLike"] = { prover in
      prover.check([zeros([2, 3]), zeros([7], .int8)], hides: true) {
        [Dense(zeros: $0[0].shape, .int8)]
      }
    }
    table[":Bernoulli"] = { prover in
      prover.check([zeros([2, 3])], [int("dtype", 7)], hides: true) {
        [Dense(zeros: $0[0].shape, .int64)]
      }
      prover.check([zeros([2, 3])], hides: true) { [$0[0]] }
    }
    table[":EyeLike"] = { prover in
      prover.check([zeros([2, 3])], [int("dtype", 7)], hides: true) {
        [Dense(zeros: $0[0].shape, .int64)]
      }
      prover.check([zeros([2, 3])], hides: true) { [$0[0]] }
    }
    // The first input, parameters that don't enlarge it, and the shapes of further outputs.
    let parameters: [(String, [[Int]], [[Int]])] = [
      (":PRelu", [[2, 3], [3]], []), (":CumSum", [[2, 3], []], []),
      (":InstanceNormalization", [[2, 3, 4], [3], [3]], []),
      (":GroupNormalization", [[2, 4, 3], [4], [4]], []),
      (":LayerNormalization", [[2, 3], [3], [3]], [[2, 1], [2, 1]]),
      (":SimplifiedLayerNormalization", [[2, 3], [3]], []),
      (":RMSNormalization", [[2, 3], [3]], []),
      (":BatchNormalization", [[2, 3, 4], [3], [3], [3], [3]], [[3], [3]]),
      (
        "qonnx.custom_op.channels_last:BatchNormalization", [[2, 4, 3], [3], [3], [3], [3]], []
      ),
      (":RotaryEmbedding", [[1, 2, 3, 4], [5, 2], [5, 2], [1, 3]], []),
      (":TensorScatter", [[2, 3], [2, 3]], []),
      ("com.microsoft:BiasGelu", [[2, 3], [3]], []),
      (
        "com.microsoft:SkipLayerNormalization", [[1, 2, 3], [1, 2, 3], [3]],
        [[1, 2, 1], [1, 2, 1], [1, 2, 3]]
      ),
      (
        "com.microsoft:SkipSimplifiedLayerNormalization", [[1, 2, 3], [1, 2, 3], [3]],
        [[1, 2, 1], [1, 2, 1], [1, 2, 3]]
      ),
    ]
    for (name, inputs, further) in parameters {
      table[name] = { prover in
        prover.check(inputs.map { zeros($0) }, outputs: 1 + further.count, hides: true) {
          ([$0[0].shape] + further).map { Dense(zeros: $0) }
        }
      }
    }
    return table
  }()

  // MARK: Broadcasting

  static let broadcasts: [String: Proof] = {
    var table: [String: Proof] = [:]
    let pairs = [
      ([2, 3], [3]), ([2, 1], [1, 3]), ([], [2]), ([1, 1, 2], [3, 1]), ([4], [4]), ([1], [0]),
    ]
    func prove(_ name: String, _ source: ElementType, _ result: ElementType) {
      table[":\(name)"] = { prover in
        for (a, b) in pairs {
          prover.check([zeros(a, source), zeros(b, source)], hides: true) {
            Dense.combine($0.all, result) { _ in 0 }.map { [$0] }
          }
        }
      }
    }
    for type in ["Sum", "Mean", "Mod", "Pow"] { prove(type, .float32, .float32) }
    for type in ["BitShift", "BitwiseAnd", "BitwiseOr", "BitwiseXor"] {
      prove(type, .uint8, .uint8)
    }
    for type in ["Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"] {
      prove(type, .float32, .bool)
    }
    for type in ["And", "Or", "Xor"] { prove(type, .bool, .bool) }
    table["qonnx.custom_op.general:FloatQuant"] = { prover in
      for scale in [[], [1, 3], [2, 1, 1]] {
        let widths = (0..<4).map { _ in zeros([]) }
        prover.check([zeros([1, 1]), zeros(scale)] + widths, hides: true) {
          Dense.combine($0.all, .float32) { _ in 0 }.map { [$0] }
        }
      }
    }
    return table
  }()

  // MARK: Dot products

  static let dotProducts: [String: Proof] = [
    ":MatMul": { prover in matrices(&prover) { [$0, $1] } },
    ":MatMulInteger": { prover in
      matrices(&prover, .uint8, .int32) { [$0, $1] }
    },
    ":QLinearMatMul": { prover in
      let (scale, zero) = (zeros([]), zeros([], .int8))
      matrices(&prover, .uint8, .int8) { [$0, scale, zero, $1, scale, zero, scale, zero] }
    },
    ":Gemm": { prover in
      for (a, b) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
        prover.check(
          [zeros(a == 0 ? [2, 3] : [3, 2]), zeros(b == 0 ? [3, 4] : [4, 3]), zeros([4])],
          [int("transA", a), int("transB", b)], hides: true
        ) { _ in [Dense(zeros: [2, 4])] }
      }
      prover.check([zeros([2, 3]), zeros([3, 4])], hides: true) { _ in [Dense(zeros: [2, 4])] }
    },
    "com.microsoft:QGemm": { prover in
      let (scale, zero) = (zeros([]), zeros([], .int8))
      for (a, b) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
        let operands = [
          zeros(a == 0 ? [2, 3] : [3, 2], .uint8), scale, zero,
          zeros(b == 0 ? [3, 4] : [4, 3], .int8), scale, zero,
        ]
        let attributes = [int("transA", a), int("transB", b)]
        prover.check(operands, attributes, hides: true) { _ in [Dense(zeros: [2, 4])] }
        prover.check(operands + [nil, scale, zero], attributes, hides: true) { _ in
          [Dense(zeros: [2, 4], .int8)]
        }
        prover.check(operands + [zeros([4], .int32), scale, nil], attributes, hides: true) { _ in
          [Dense(zeros: [2, 4], .uint8)]
        }
      }
    },
    ":Conv": { prover in convolutions(&prover) { [$0, $1] } },
    ":ConvInteger": { prover in convolutions(&prover, .uint8, .int32) { [$0, $1] } },
    ":QLinearConv": { prover in
      let (scale, zero) = (zeros([]), zeros([], .int8))
      convolutions(&prover, .uint8, .int8) { [$0, scale, zero, $1, scale, zero, scale, zero] }
    },
    ":ConvTranspose": { prover in
      for (groups, weight) in [(1, [4, 3, 2, 1]), (2, [4, 3, 2, 1])] {
        prover.check([zeros([2, 4, 5, 3]), zeros(weight)], [int("group", groups)], hides: true) {
          _ in [Dense(zeros: [2, 3 * groups, 6, 3])]
        }
      }
    },
  ]

  private static func matrices(
    _ prover: inout Prover, _ source: ElementType = .float32, _ result: ElementType = .float32,
    _ operands: (Operand, Operand) -> [Operand]
  ) {
    for (a, b, y) in [
      ([2, 3], [3, 4], [2, 4]), ([3], [3, 4], [4]), ([2, 3], [3], [2]), ([3], [3], []),
      ([5, 2, 3], [3, 4], [5, 2, 4]), ([2, 3], [5, 3, 4], [5, 2, 4]),
      ([5, 1, 2, 3], [6, 3, 4], [5, 6, 2, 4]), ([3], [5, 3, 4], [5, 4]),
      ([5, 2, 3], [3], [5, 2]),
    ] {
      prover.check(operands(zeros(a, source), zeros(b, source)), hides: true) { _ in
        [Dense(zeros: y, result)]
      }
    }
  }

  private static func convolutions(
    _ prover: inout Prover, _ source: ElementType = .float32, _ result: ElementType = .float32,
    _ operands: (Operand, Operand) -> [Operand]
  ) {
    for (groups, weight) in [(1, [6, 4, 2, 1]), (2, [6, 2, 2, 1])] {
      prover.check(
        operands(zeros([2, 4, 5, 3], source), zeros(weight, source)), [int("group", groups)],
        hides: true
      ) { _ in [Dense(zeros: [2, 6, 4, 3], result)] }
    }
  }

  // MARK: Others

  static let others: [String: Proof] = {
    var table: [String: Proof] = [
      ":DynamicQuantizeLinear": { prover in
        prover.check([zeros([2, 3])], outputs: 3, hides: true) {
          [Dense(zeros: $0[0].shape, .uint8), Dense(zeros: []), Dense(zeros: [], .uint8)]
        }
      },
      ":ConstantOfShape": { prover in
        for target in [[2, 3], [], [4]] {
          prover.check([.int64(target)]) { _ in [Dense(zeros: target)] }
          let hidden = Operand.vector(target.map { $0 == 3 ? nil : $0 }, Dense(.int64, target))
          let value = Attribute("value", .tensor(Tensor(scalar: Int8(0))))
          prover.check([hidden], [value]) { _ in [Dense(zeros: target, .int8)] }
        }
      },
      ":Shape": { prover in
        for (start, end) in [
          (nil, nil), (1, nil), (nil, 2), (-2, -1), (2, 1), (-9, 9), (nil, Int.min), (Int.max, nil),
        ] as [(Int?, Int?)] {
          var attributes = start.map { [int("start", $0)] } ?? []
          if let end { attributes.append(int("end", end)) }
          prover.check([zeros([2, 3, 4])], attributes, hides: true) { inputs in
            let shape = inputs[0].shape
            let taken = Standard.positions(3, start: start ?? 0, end: end ?? 3, step: 1)
            return [Dense(.int64, taken.map { shape[$0] })]
          }
        }
      },
      ":Size": { prover in
        prover.check([zeros([2, 3])], hides: true) { _ in [.scalar(.int64, 6)] }
      },
      ":GlobalAveragePool": { prover in
        prover.check([zeros([2, 3, 4, 5])], hides: true) { _ in [Dense(zeros: [2, 3, 1, 1])] }
      },
      ":GlobalLpPool": { prover in
        prover.check([zeros([2, 3, 4])], hides: true) { _ in [Dense(zeros: [2, 3, 1])] }
      },
    ]
    for type in ["AveragePool", "LpPool"] {
      table[":\(type)"] = { prover in
        prover.check(
          [zeros([2, 3, 4, 5])], [Attribute("kernel_shape", .ints([2, 2]))], hides: true
        ) { _ in [Dense(zeros: [2, 3, 3, 4])] }
      }
    }
    for type in ["L1", "L2", "LogSum", "LogSumExp", "Mean", "Prod", "Sum", "SumSquare"] {
      table[":Reduce\(type)"] = { prover in
        for (axes, shape) in [([0], [1, 3]), ([1], [2, 1]), ([-1, 0], [1, 1])] {
          prover.check(
            [zeros([2, 3])], [Attribute("axes", .ints(axes.map { Int64($0) }))], opset: 11,
            hides: true
          ) { _ in [Dense(zeros: shape)] }
          prover.check(
            [zeros([2, 3]), .int64(axes)], [int("keepdims", 0)], opset: 18, hides: true
          ) { _ in [Dense(zeros: shape.filter { $0 != 1 })] }
        }
      }
    }
    return table
  }()
}
