extension ExportDialect {
  static let qonnx = ExportDialect(
    summary: "Quant nodes, as 'snug convert' writes them", opset: 7, irVersion: 3,
    layout: .either, hasThresholds: true, passes: [QuantExport()])
}
