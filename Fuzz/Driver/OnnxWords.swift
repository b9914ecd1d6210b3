/// Names that mean something in ONNX and QONNX files.
package enum OnnxWords {
  package static let all =
    domains + operators + attributes + [
      "finn_datatype", "SCALEDINT<8>", "INT4", "snug.accumulators",
    ]

  private static let domains = [
    "", "ai.onnx", "com.microsoft", "qonnx.custom_op.general", "qonnx.custom_op.channels_last",
    "onnx.brevitas",
  ]

  private static let operators = [
    "Add", "AveragePool", "BatchNormalization", "BipolarQuant", "Cast", "Clip", "Concat",
    "Constant",
    "ConstantOfShape", "Conv", "ConvInteger", "ConvTranspose", "DepthToSpace", "DequantizeLinear",
    "Div",
    "Dropout", "Einsum", "Expand", "Flatten", "FloatQuant", "GRU", "Gather", "Gemm",
    "GlobalAveragePool",
    "Identity", "If", "Im2Col", "LSTM", "Loop", "MatMul", "MatMulInteger", "Max", "MaxPool", "Min",
    "Mul",
    "MultiThreshold", "Neg", "Pad", "QGemm", "QLinearAdd", "QLinearConv", "QLinearMatMul", "Quant",
    "QuantizeLinear", "Reciprocal", "ReduceMean", "Relu", "Reshape", "Resize", "Round", "Scan",
    "Shape",
    "Sigmoid", "Slice", "Softmax", "SpaceToDepth", "Split", "Squeeze", "Sub", "Tanh", "Tile",
    "TopK",
    "Transpose", "Trunc", "Unsqueeze", "Where",
  ]

  private static let attributes = [
    "alpha", "auto_pad", "axes", "axis", "beta", "bitwidth", "block_size", "body", "ceil_mode",
    "data_layout", "dilations", "else_branch", "epsilon", "group", "kernel_shape", "narrow",
    "num_outputs",
    "out_bias", "out_dtype", "out_scale", "output_padding", "pads", "perm", "precision",
    "rounding_mode",
    "saturate", "shape", "signed", "strides", "then_branch", "to", "transA", "transB", "value",
    "value_float", "value_ints", "SAME_UPPER", "NHWC", "ROUND", "FLOOR", "CEIL",
  ]
}
