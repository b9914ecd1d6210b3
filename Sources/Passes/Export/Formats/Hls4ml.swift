extension ExportDialect {
  static let hls4ml = ExportDialect(
    summary: "Quant nodes as hls4ml reads them: channels last, scales and biases behind the layers",
    opset: 7, irVersion: 3, layout: .channelsLast,
    passes: [Hls4mlForms(), QuantExport(), ScalesBehindLayers(), QuantizerSources()])
}
