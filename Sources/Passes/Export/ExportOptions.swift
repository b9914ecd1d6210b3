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
  /// What dimensions that the model leaves open are fixed to.
  public var inputShapes = InputShapes()

  public init(format: ExportFormat = .qonnx) { self.format = format }

  /// What the options ask for and the format can't express; `nil` where nothing is.
  public var inexpressible: ExportFeature? {
    if batchNormalization == .thresholds, !format.expresses(.thresholds) { return .thresholds }
    if channelsLast, !format.expresses(.channelsLast) { return .channelsLast }
    return nil
  }

  /// Whether layers are written in channels-last operators.
  public var writesChannelsLast: Bool { channelsLast || format.dialect.layout == .channelsLast }

  /// Whether the export can put other products into a tile than the file did.
  package func reordersTiles(of source: ExportSource) -> Bool {
    source.hasTiles && (writesChannelsLast || source.isChannelsLast)
  }
}

/// What passes of an export have to know of the file besides its graph; whoever reads the file says it.
package struct ExportSource: Sendable, Hashable {
  /// The opset of the standard domain; `nil` where the file doesn't import it.
  package var opset: Int?
  /// Whether the file has layers in channels-last operators, which reading has turned.
  package var isChannelsLast: Bool
  /// Whether the file sums products in tiles, which are cut in the order of the weights.
  package var hasTiles: Bool

  package init(opset: Int?, isChannelsLast: Bool, hasTiles: Bool) {
    self.opset = opset
    self.isChannelsLast = isChannelsLast
    self.hasTiles = hasTiles
  }
}
