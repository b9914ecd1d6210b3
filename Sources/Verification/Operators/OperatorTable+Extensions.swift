/// Operators beyond the standard: those of QONNX (docs of `qonnx`), onnxruntime (ContribOperators.md) and ONNX-ML.
extension OperatorTable {
  static let quantizers: [String: OperatorDefinition] = [
    "Quant": quant, "IntQuant": quant,
    "BipolarQuant": .broadcast(type: real, integers: BipolarQuantRule.apply),
    // Version 1 has no output scale and clips nothing, so that its range depends on the data.
    "Trunc": OperatorDefinition(
      6...6, ["narrow", "rounding_mode", "signed"], types: [real], shape: ShapeRules.broadcast,
      integers: TruncRule.apply, versions: 2...2),
    "FloatQuant": .broadcast(
      6...6, ["has_inf", "has_nan", "has_subnormal", "rounding_mode", "saturation"]),
    "Im2Col": OperatorDefinition(
      1...1,
      [
        "depthwise", "dilations", "input_shape", "kernel_size", "pad_amount", "pad_value",
        "stride",
      ], integers: RangeRules.imageToColumns),
    "MultiThreshold": OperatorDefinition(
      2...2, ["data_layout", "out_bias", "out_dtype", "out_scale"], types: [.unknown],
      shape: ShapeRules.same, integers: MultiThresholdRule.apply),
  ]

  /// `Quant`, whose parameters enlarge the output by broadcasting where they are larger than the input.
  private static let quant = OperatorDefinition.broadcast(
    4...4, ["narrow", "rounding_mode", "signed"], type: real, integers: QuantRule.apply)

  /// The type of an input of real numbers; for an input of integers the output's type is not known.
  private static let real = OperatorDefinition.TypeRule.computed { context in
    context.elementType(0).flatMap { $0.isFloatingPoint ? $0 : nil }
  }

  static let channelsLast: [String: OperatorDefinition] = [
    "Conv": OperatorDefinition(2...3, windowed.union(["group"])),
    "MaxPool": OperatorDefinition(
      1...1, windowed.union(["ceil_mode", "storage_order"]),
      integers: PoolingRules.maximum(channelsLast: true)),
    "BatchNormalization": .elementwise(
      ["epsilon", "momentum", "training_mode"], inputs: 5...5),
  ]

  static let onnxRuntime: [String: OperatorDefinition] = [
    "QuantizeLinear": quantizeLinear, "DequantizeLinear": dequantizeLinear,
    // Without an output scale the result is the real product; a scale without a zero point leaves its type open.
    "QGemm": OperatorDefinition(
      6...9, ["alpha", "transA", "transB"],
      types: [
        .computed { context in
          context.has(8) ? context.elementType(8) : context.has(7) ? nil : .float32
        }
      ],
      shape: ShapeRules.gemm(right: 3)),
    "QLinearAdd": requantizing(zeroPoint: 7, 7...8),
    "QLinearMul": requantizing(zeroPoint: 7, 7...8),
    "QLinearConcat": requantizing(zeroPoint: 1, 5...Int.max, ["axis"]),
    "QLinearAveragePool": requantizing(
      zeroPoint: 4, 4...5,
      windowed.union(["ceil_mode", "channels_last", "count_include_pad"])),
    "QLinearGlobalAveragePool": requantizing(zeroPoint: 4, 5...5, ["channels_last"]),
    "QLinearLeakyRelu": requantizing(zeroPoint: 4, 4...5, ["alpha"]),
    "QLinearReduceMean": requantizing(zeroPoint: 4, 4...5, ["axes", "keepdims"]),
    "QLinearSigmoid": requantizing(zeroPoint: 4, 4...5),
    "QLinearSoftmax": requantizing(zeroPoint: 4, 5...5, ["axis", "opset"]),
    "Gelu": .elementwise(), "QuickGelu": .elementwise(["alpha"]),
    "FastGelu": .elementwise(inputs: 1...2), "BiasGelu": .elementwise(inputs: 2...2),
    "SkipLayerNormalization": .elementwise(["epsilon"], inputs: 3...5),
    "SkipSimplifiedLayerNormalization": .elementwise(["epsilon"], inputs: 3...4),
  ]

  /// Integer arithmetic whose result has the type of its zero point, or without one that of its first operand.
  private static func requantizing(
    zeroPoint index: Int, _ inputs: ClosedRange<Int>, _ attributes: Set<String> = []
  ) -> OperatorDefinition {
    OperatorDefinition(
      inputs, attributes,
      types: [.computed { context in context.elementType(context.has(index) ? index : 0) }])
  }

  /// Classical models that add no products of two operands.
  static let machineLearning: [String: OperatorDefinition] = [
    "ArrayFeatureExtractor": OperatorDefinition(2...2, types: [.unknown]),
    "Binarizer": .elementwise(["threshold"]),
    "Imputer": .elementwise([
      "imputed_value_floats", "imputed_value_int64s", "replaced_value_float",
      "replaced_value_int64",
    ]),
    "LabelEncoder": OperatorDefinition(
      1...1,
      [
        "default_float", "default_int64", "default_string", "default_tensor", "keys_floats",
        "keys_int64s", "keys_strings", "keys_tensor", "values_floats", "values_int64s",
        "values_strings", "values_tensor",
      ], types: [.unknown]),
    "Normalizer": OperatorDefinition(1...1, ["norm"], types: [.unknown]),
    "Scaler": OperatorDefinition(1...1, ["offset", "scale"], types: [.unknown]),
    "ZipMap": OperatorDefinition(
      1...1, ["classlabels_int64s", "classlabels_strings"], types: [.unknown]),
  ]
}
