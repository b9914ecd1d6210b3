import TensorCore

/// Operators of the standard domain, opsets 7 to ``newestOpset`` (Operators.md of ONNX). Left out on purpose are
/// those that sum products of two operands and aren't layers here (Attention, DeformConv, DFT, Einsum, GRU, LSTM,
/// RNN, STFT, …), those that hold subgraphs, and those whose sums weigh elements by a table.
extension OperatorTable {
  static let standardDotProducts: [String: OperatorDefinition] = [
    "Conv": convolution(2...3, type: .input(0)),
    "ConvTranspose": OperatorDefinition(
      2...3, windowed.union(["group", "output_padding", "output_shape"]),
      shape: ShapeRules.transposedConvolution),
    "ConvInteger": convolution(2...4, type: .fixed(.int32)),
    "QLinearConv": OperatorDefinition(
      8...9, windowed.union(["group"]), types: [.input(7)],
      shape: ShapeRules.convolution(weight: 3)),
    "Gemm": OperatorDefinition(
      2...3, ["alpha", "beta", "transA", "transB"], shape: ShapeRules.gemm(right: 1)),
    "MatMul": OperatorDefinition(2...2, shape: ShapeRules.matMul(right: 1)),
    "MatMulInteger": OperatorDefinition(
      2...4, types: [.fixed(.int32)], shape: ShapeRules.matMul(right: 1)),
    "QLinearMatMul": OperatorDefinition(
      8...8, types: [.input(7)], shape: ShapeRules.matMul(right: 3)),
  ]

  static let standardQuantization: [String: OperatorDefinition] = [
    "QuantizeLinear": quantizeLinear, "DequantizeLinear": dequantizeLinear,
    "DynamicQuantizeLinear": OperatorDefinition(
      1...1, types: [.fixed(.uint8), .fixed(.float32), .fixed(.uint8)],
      shape: { context, output in output == 0 ? context.shape(0) : [] }),
  ]

  static let quantizeLinear = OperatorDefinition(
    2...3, ["axis", "block_size", "output_dtype", "precision", "saturate"],
    types: [.computed(LinearQuantizationRules.quantizedType)], shape: ShapeRules.same,
    integers: LinearQuantizationRules.quantize)

  static let dequantizeLinear = OperatorDefinition(
    2...3, ["axis", "block_size", "output_dtype"],
    types: [
      .computed { context in
        context.attributes["output_dtype"] == nil ? context.elementType(1) : nil
      }
    ],
    shape: ShapeRules.same, integers: LinearQuantizationRules.dequantize)

  static let standardElementwise: [String: OperatorDefinition] = {
    var table: [String: OperatorDefinition] = [
      "Relu": .elementwise(integers: RangeRules.relu),
      "Clip": .elementwise(["min", "max"], inputs: 1...3, integers: RangeRules.clip),
      "Neg": .elementwise(integers: ArithmeticRules.negate),
      "Cast": .elementwise(
        ["to", "saturate", "round_mode"], type: .attribute("to", default: nil),
        integers: ScalingRules.cast),
      "CastLike": .elementwise(["saturate", "round_mode"], inputs: 2...2, type: .input(1)),
      "IsInf": .elementwise(["detect_negative", "detect_positive"], type: .fixed(.bool)),
      "IsNaN": .elementwise(type: .fixed(.bool)), "Not": .elementwise(type: .fixed(.bool)),
      "PRelu": .elementwise(inputs: 2...2),
      "Dropout": OperatorDefinition(
        1...3, ["ratio", "seed"], types: [.input(0), .fixed(.bool)], shape: ShapeRules.same,
        integers: MovementRules.dropout),
      "Bernoulli": .elementwise(["dtype", "seed"], type: .attribute("dtype", default: nil)),
    ]
    let named: [(Set<String>, [String])] = [
      (
        [],
        [
          "Abs", "Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "BitwiseNot", "Ceil", "Cos",
          "Cosh", "Erf", "Exp", "Floor", "HardSwish", "Log", "Mish", "Reciprocal", "Round",
          "Sigmoid", "Sign", "Sin", "Sinh", "Softplus", "Softsign", "Sqrt", "Tan", "Tanh",
        ]
      ),
      (["alpha"], ["Celu", "Elu", "LeakyRelu", "Swish", "ThresholdedRelu"]),
      (["alpha", "beta"], ["HardSigmoid"]), (["alpha", "gamma"], ["Selu"]),
      (["bias", "lambd"], ["Shrink"]), (["approximate"], ["Gelu"]),
      (["axis"], ["Hardmax", "LogSoftmax", "Softmax"]), (["axis", "p"], ["LpNormalization"]),
      (["axes"], ["MeanVarianceNormalization"]), (["alpha", "beta", "bias", "size"], ["LRN"]),
    ]
    for (attributes, types) in named {
      for type in types { table[type] = .elementwise(attributes) }
    }
    table["CumSum"] = .elementwise(["exclusive", "reverse"], inputs: 2...2)
    table["InstanceNormalization"] = .elementwise(["epsilon"], inputs: 3...3)
    table["GroupNormalization"] = .elementwise(
      ["epsilon", "num_groups", "stash_type"], inputs: 3...3)
    table["LayerNormalization"] = .elementwise(["axis", "epsilon", "stash_type"], inputs: 2...3)
    table["SimplifiedLayerNormalization"] = .elementwise(
      ["axis", "epsilon", "stash_type"], inputs: 2...2)
    table["RMSNormalization"] = .elementwise(["axis", "epsilon", "stash_type"], inputs: 2...2)
    table["BatchNormalization"] = .elementwise(
      ["epsilon", "momentum", "spatial", "training_mode"], inputs: 5...5)
    table["RotaryEmbedding"] = .elementwise(
      ["interleaved", "num_heads", "rotary_embedding_dim"], inputs: 3...4)
    return table
  }()

  static let standardArithmetic: [String: OperatorDefinition] = {
    var table: [String: OperatorDefinition] = [
      "Add": .broadcast(integers: ArithmeticRules.add),
      "Sub": .broadcast(integers: ArithmeticRules.subtract),
      "Mul": .broadcast(integers: ArithmeticRules.multiply),
      "Div": .broadcast(integers: ArithmeticRules.divide),
      "Max": .broadcast(1...Int.max, integers: RangeRules.maximum),
      "Min": .broadcast(1...Int.max, integers: RangeRules.minimum),
      "Sum": .broadcast(1...Int.max), "Mean": .broadcast(1...Int.max),
      "Where": .broadcast(3...3, type: .input(1), integers: RangeRules.whereSelected),
      "Mod": .broadcast(2...2, ["fmod"]), "Pow": .broadcast(),
      "BitShift": .broadcast(2...2, ["direction"]),
    ]
    for type in ["BitwiseAnd", "BitwiseOr", "BitwiseXor"] { table[type] = .broadcast() }
    for type in [
      "And", "Or", "Xor", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual",
    ] { table[type] = .broadcast(type: .fixed(.bool)) }
    return table
  }()

  static let standardMovement: [String: OperatorDefinition] = [
    "Identity": .elementwise(integers: MovementRules.identity),
    "Reshape": OperatorDefinition(
      2...2, ["allowzero"], shape: ShapeRules.reshape, integers: MovementRules.reshape),
    "Flatten": OperatorDefinition(
      1...1, ["axis"], shape: ShapeRules.flatten, integers: MovementRules.flatten),
    "Squeeze": OperatorDefinition(
      1...2, ["axes"], shape: ShapeRules.squeeze, integers: MovementRules.squeeze),
    "Unsqueeze": OperatorDefinition(
      1...2, ["axes"], shape: ShapeRules.unsqueeze, integers: MovementRules.unsqueeze),
    "Transpose": OperatorDefinition(
      1...1, ["perm"], shape: ShapeRules.transpose, integers: MovementRules.transpose),
    "Concat": OperatorDefinition(
      1...Int.max, ["axis"], shape: ShapeRules.concat, integers: RangeRules.concat),
    "Split": OperatorDefinition(
      1...2, ["axis", "num_outputs", "split"],
      types: [TypeRule](repeating: .input(0), count: 64), shape: ShapeRules.split,
      integers: RangeRules.same, allOutputs: true),
    "Slice": OperatorDefinition(
      1...5, ["axes", "ends", "starts"], shape: ShapeRules.slice, integers: RangeRules.same),
    "Gather": OperatorDefinition(
      2...2, ["axis"], shape: ShapeRules.gather, integers: RangeRules.same),
    "GatherElements": OperatorDefinition(
      2...2, ["axis"], shape: { context, _ in context.shape(1) }, integers: RangeRules.same),
    "GatherND": OperatorDefinition(2...2, ["batch_dims"], integers: RangeRules.same),
    "Expand": OperatorDefinition(2...2, shape: ShapeRules.expand, integers: RangeRules.same),
    "Tile": OperatorDefinition(2...2, integers: RangeRules.same),
    "ReverseSequence": OperatorDefinition(
      2...2, ["batch_axis", "time_axis"], shape: ShapeRules.same, integers: RangeRules.same),
    "DepthToSpace": OperatorDefinition(1...1, ["blocksize", "mode"], integers: RangeRules.same),
    "SpaceToDepth": OperatorDefinition(1...1, ["blocksize", "mode"], integers: RangeRules.same),
    "Compress": OperatorDefinition(2...2, ["axis"], integers: RangeRules.same),
    "TopK": OperatorDefinition(
      1...2, ["axis", "k", "largest", "sorted"], types: [.input(0), .fixed(.int64)],
      integers: RangeRules.same),
    "Unique": OperatorDefinition(
      1...1, ["axis", "sorted"],
      types: [.input(0), .fixed(.int64), .fixed(.int64), .fixed(.int64)],
      integers: RangeRules.same),
    "Pad": OperatorDefinition(
      1...4, ["mode", "pads", "value"], shape: ShapeRules.pad, integers: RangeRules.pad),
    "CenterCropPad": OperatorDefinition(2...2, ["axes"], integers: RangeRules.withZeroCode),
    "Trilu": OperatorDefinition(
      1...2, ["upper"], shape: ShapeRules.same, integers: RangeRules.withZeroCode),
    "Scatter": OperatorDefinition(
      3...3, ["axis"], shape: ShapeRules.same, integers: RangeRules.scattered),
    "ScatterElements": OperatorDefinition(
      3...3, ["axis", "reduction"], shape: ShapeRules.same, integers: RangeRules.scattered),
    "ScatterND": OperatorDefinition(
      3...3, ["reduction"], shape: ShapeRules.same, integers: RangeRules.scattered),
    "TensorScatter": OperatorDefinition(2...3, ["axis", "mode"], shape: ShapeRules.same),
  ]

  static let standardReductions: [String: OperatorDefinition] = {
    var table: [String: OperatorDefinition] = [
      "ReduceMax": .reduction(integers: RangeRules.reduced),
      "ReduceMin": .reduction(integers: RangeRules.reduced),
    ]
    for type in [
      "L1", "L2", "LogSum", "LogSumExp", "Mean", "Prod", "Sum", "SumSquare",
    ] { table["Reduce\(type)"] = .reduction() }
    for type in ["ArgMax", "ArgMin"] {
      table[type] = OperatorDefinition(
        1...1, ["axis", "keepdims", "select_last_index"], types: [.fixed(.int64)])
    }
    return table
  }()

  static let standardNeighbourhoods: [String: OperatorDefinition] = [
    "MaxPool": OperatorDefinition(
      1...1, windowed.union(["ceil_mode", "storage_order"]), types: [.input(0), .fixed(.int64)],
      shape: ShapeRules.channelsKept, integers: PoolingRules.maximum(channelsLast: false)),
    "AveragePool": OperatorDefinition(
      1...1, windowed.union(["ceil_mode", "count_include_pad"]), shape: ShapeRules.channelsKept),
    "LpPool": OperatorDefinition(
      1...1, windowed.union(["ceil_mode", "p"]), shape: ShapeRules.channelsKept),
    "GlobalMaxPool": OperatorDefinition(
      1...1, shape: ShapeRules.globalPool, integers: RangeRules.reduced),
    "GlobalAveragePool": OperatorDefinition(1...1, shape: ShapeRules.globalPool),
    "GlobalLpPool": OperatorDefinition(1...1, ["p"], shape: ShapeRules.globalPool),
    "MaxUnpool": OperatorDefinition(2...3, ["kernel_shape", "pads", "strides"]),
    "MaxRoiPool": OperatorDefinition(2...2, ["pooled_shape", "spatial_scale"]),
    "RoiAlign": OperatorDefinition(
      3...3,
      [
        "coordinate_transformation_mode", "mode", "output_height", "output_width",
        "sampling_ratio", "spatial_scale",
      ]),
    "Resize": OperatorDefinition(
      1...4,
      [
        "antialias", "axes", "coordinate_transformation_mode", "cubic_coeff_a",
        "exclude_outside", "extrapolation_value", "keep_aspect_ratio_policy", "mode",
        "nearest_mode",
      ], shape: ShapeRules.rankKept, integers: RangeRules.resize),
    "Upsample": OperatorDefinition(
      1...2, ["mode", "scales"], shape: ShapeRules.rankKept, integers: RangeRules.resize),
    "GridSample": OperatorDefinition(2...2, ["align_corners", "mode", "padding_mode"]),
    "Col2Im": OperatorDefinition(3...3, ["dilations", "pads", "strides"]),
  ]

  static let standardGenerators: [String: OperatorDefinition] = {
    var table: [String: OperatorDefinition] = [
      "Constant": OperatorDefinition(
        0...0,
        [
          "value", "value_float", "value_floats", "value_int", "value_ints", "value_string",
          "value_strings",
        ], types: [.computed { ConstantRule.tensor($0)?.elementType }],
        shape: { context, _ in ConstantRule.tensor(context)?.shape.map { .known($0) } },
        integers: ConstantRule.apply),
      "ConstantOfShape": OperatorDefinition(
        1...1, ["value"],
        types: [
          .computed { context in
            guard context.attributes["value"] != nil else { return .float32 }
            guard case .tensor(let value)? = context.attributes["value"] else { return nil }
            return value.elementType
          }
        ], shape: ShapeRules.fromVector),
      "EyeLike": OperatorDefinition(
        1...1, ["dtype", "k"],
        types: [
          .computed { context in
            context.attributes["dtype"] == nil ? context.elementType(0) : nil
          }
        ], shape: ShapeRules.same),
      "OneHot": OperatorDefinition(3...3, ["axis"], types: [.input(2)]),
      "Range": OperatorDefinition(3...3, ["stash_type"]),
      "Shape": OperatorDefinition(
        1...1, ["start", "end"], types: [.fixed(.int64)],
        shape: { context, _ in context.shapeVector().map { [.known($0.count)] } }),
      "Size": OperatorDefinition(1...1, types: [.fixed(.int64)], shape: { _, _ in [] }),
      "NonZero": OperatorDefinition(1...1, types: [.fixed(.int64)]),
      "NonMaxSuppression": OperatorDefinition(
        2...5, ["center_point_box"], types: [.fixed(.int64)]),
      "Multinomial": OperatorDefinition(
        1...1, ["dtype", "sample_size", "seed"], types: [.attribute("dtype", default: .int32)]),
    ]
    for type in ["BlackmanWindow", "HammingWindow", "HannWindow"] {
      table[type] = OperatorDefinition(
        1...1, ["output_datatype", "periodic"],
        types: [.attribute("output_datatype", default: .float32)])
    }
    for (type, bounds) in [
      ("RandomNormal", ["mean", "scale"]), ("RandomUniform", ["high", "low"]),
    ] {
      let attributes = Set(["dtype", "seed"] + bounds)
      table[type] = OperatorDefinition(
        0...0, attributes.union(["shape"]), types: [.attribute("dtype", default: .float32)])
      table[type + "Like"] = OperatorDefinition(1...1, attributes, types: [.unknown])
    }
    return table
  }()

  /// Operators on containers and text, which the analysis does not follow.
  static let standardSequences: [String: OperatorDefinition] = {
    let known: [(String, ClosedRange<Int>, Set<String>)] = [
      ("SequenceAt", 2...2, []), ("SequenceConstruct", 1...Int.max, []),
      ("SequenceEmpty", 0...0, ["dtype"]), ("SequenceErase", 1...2, []),
      ("SequenceInsert", 2...3, []), ("SequenceLength", 1...1, []),
      ("SplitToSequence", 1...2, ["axis", "keepdims"]),
      ("ConcatFromSequence", 1...1, ["axis", "new_axis"]), ("OptionalGetElement", 1...1, []),
      ("OptionalHasElement", 0...1, []), ("StringConcat", 2...2, []),
      ("StringSplit", 1...1, ["delimiter", "maxsplit"]), ("RegexFullMatch", 1...1, ["pattern"]),
      (
        "StringNormalizer", 1...1,
        ["case_change_action", "is_case_sensitive", "locale", "stopwords"]
      ),
    ]
    return Dictionary(
      uniqueKeysWithValues: known.map { type, inputs, attributes in
        (type, OperatorDefinition(inputs, attributes, types: [.unknown]))
      })
  }()

  /// The attributes of operators that slide a window.
  static let windowed: Set = ["auto_pad", "dilations", "kernel_shape", "pads", "strides"]

  private static func convolution(_ inputs: ClosedRange<Int>, type: OperatorDefinition.TypeRule)
    -> OperatorDefinition
  {
    OperatorDefinition(
      inputs, windowed.union(["group"]), types: [type], shape: ShapeRules.convolution(weight: 1))
  }

  private typealias TypeRule = OperatorDefinition.TypeRule
}
