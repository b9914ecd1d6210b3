/// All that is particular to one export format.
struct ExportDialect: Sendable {
  /// The order of axes in which layers are written.
  enum Layout: Sendable {
    /// That of the standard.
    case channelsFirst
    /// That of the standard, or in QONNX's channels-last operators where asked for.
    case either
    /// In QONNX's channels-last operators always.
    case channelsLast
  }

  /// What it is, in one line that begins with what a file holds.
  let summary: String
  /// The first opset of the standard domain that has what the format needs.
  let opset: Int
  /// The first IR version that goes with ``opset``.
  let irVersion: Int
  var layout = Layout.channelsFirst
  /// Whether there is an operator for thresholds.
  var hasThresholds = false
  /// What writes a graph of quantizers, QONNX's or linear ones, in the format, channels first.
  let passes: [any Pass]
}
