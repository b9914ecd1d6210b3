import GraphIR
import Verification

/// A summary of a model file.
public struct ModelSummary: Sendable, Hashable {
  /// How a file represents its quantizers.
  public enum Format: String, Sendable, Hashable {
    /// There are no quantizers.
    case float
    /// Operators of QONNX, such as `Quant`.
    case qonnx
    /// `QuantizeLinear`, `DequantizeLinear` or integer operators of ONNX.
    case qcdq
  }

  public var path: String
  public var format: Format
  /// The name and version of the program that wrote the file; may be empty.
  public var producer: String
  /// The imported version of the standard ONNX operators; `nil` where the file imports none.
  public var opset: Int?
  public var irVersion: Int

  package init(_ model: Model, path: String) {
    self.path = path
    format = Format(of: model.graph)
    producer =
      model.producerVersion.isEmpty
      ? model.producerName : "\(model.producerName) \(model.producerVersion)"
    opset = model.opset(of: "")
    irVersion = model.irVersion
  }
}

extension ModelSummary.Format {
  private static let quantizers: Set = ["Quant", "IntQuant", "BipolarQuant", "Trunc"]
  private static let integerOperators: Set = [
    "QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "ConvInteger",
    "MatMulInteger", "QLinearConv", "QLinearMatMul",
  ]

  /// The format of a graph: QONNX where any of its quantizers occurs.
  init(of graph: Graph) {
    var format = Self.float
    for id in graph.nodeIDs {
      let op = graph[id].op
      if !OpsetImport.canonical(op.domain).isEmpty, Self.quantizers.contains(op.type) {
        self = .qonnx
        return
      }
      if Self.integerOperators.contains(op.type) { format = .qcdq }
    }
    self = format
  }
}
