/// A dialect in which quantized models are written.
///
/// What is particular to a format stands in its file of `Formats`; here it has a case and the line that names that.
public enum ExportFormat: String, Sendable, Hashable, CaseIterable {
  /// Float tensors between `Quant` nodes of the domain `qonnx.custom_op.general`.
  case qonnx
  /// `QuantizeLinear`, `Clip` and `DequantizeLinear` in 8-bit types.
  case qcdq
  /// `QuantizeLinear` and `DequantizeLinear`, 4-bit codes in INT4 and UINT4.
  case qdqInt4 = "qdq-int4"
  /// `ConvInteger` and `MatMulInteger` on 8-bit codes, scales after their 32-bit sums.
  case integer
  /// `Quant` nodes as hls4ml reads them: channels last, scales and biases behind the layers.
  case hls4ml

  var dialect: ExportDialect {
    switch self {
    case .qonnx: .qonnx
    case .qcdq: .qcdq
    case .qdqInt4: .qdqInt4
    case .integer: .integer
    case .hls4ml: .hls4ml
    }
  }
}

extension ExportFormat {
  /// What the format is, in one line.
  public var summary: String { dialect.summary }
  /// The first opset of the standard domain that has what the format needs.
  public var opset: Int { dialect.opset }
  /// The first IR version that goes with ``opset``.
  public var irVersion: Int { dialect.irVersion }

  /// Whether the format can express something.
  public func expresses(_ feature: ExportFeature) -> Bool {
    switch feature {
    case .thresholds: dialect.hasThresholds
    case .channelsLast: dialect.layout != .channelsFirst
    }
  }
}

/// What can be asked of an export that not every format can express.
public enum ExportFeature: Sendable, Hashable {
  /// Normalisation and quantizer as one comparison with thresholds.
  case thresholds
  /// Layers in channels-last operators.
  case channelsLast

  /// What it consists of, as messages call it.
  public var title: String {
    switch self {
    case .thresholds: "thresholds"
    case .channelsLast: "channels-last operators"
    }
  }

  /// The formats that can.
  public var formats: [ExportFormat] { ExportFormat.allCases.filter { $0.expresses(self) } }
}
