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

  public init(format: ExportFormat = .qonnx) { self.format = format }
}

extension ExportFormat {
  /// The first opset of the standard domain that has what the format needs.
  var opset: Int {
    switch self {
    case .qonnx: 7
    case .qcdq, .integer: 13
    case .qdqInt4: 21
    }
  }

  /// The first IR version that goes with ``opset``.
  var irVersion: Int {
    switch self {
    case .qonnx: 3
    case .qcdq, .integer: 7
    case .qdqInt4: 10
    }
  }
}
