/// How a quantized model is written for deployment.
public struct ExportOptions: Sendable, Hashable {
  /// What becomes of batch normalisation after a dot product.
  public enum BatchNormalization: String, Sendable, Hashable, CaseIterable {
    /// It stays an operator.
    case keep
    /// Into the scale of the weight and the bias.
    case fold
    /// Together with rectifier and quantizer, one `MultiThreshold`; QONNX only.
    case thresholds
  }

  public var format: ExportFormat
  public var batchNormalization = BatchNormalization.keep
  /// QONNX only, and always for hls4ml: convolutions, maximum pooling and normalisation in QONNX's channels-last
  /// operators, graph inputs and outputs with their channels last.
  public var channelsLast = false

  public init(format: ExportFormat = .qonnx) { self.format = format }
}

extension ExportFormat {
  /// The first opset of the standard domain that has what the format needs.
  var opset: Int {
    switch self {
    case .qonnx, .hls4ml: 7
    case .qcdq, .integer: 13
    case .qdqInt4: 21
    }
  }

  /// The first IR version that goes with ``opset``.
  var irVersion: Int {
    switch self {
    case .qonnx, .hls4ml: 3
    case .qcdq, .integer: 7
    case .qdqInt4: 10
    }
  }
}
