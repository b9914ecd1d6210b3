extension ExportDialect {
  static let qcdq = ExportDialect(
    summary: "QuantizeLinear, Clip and DequantizeLinear in 8-bit types (opset 13)", opset: 13,
    irVersion: 7,
    passes: [
      LinearQuantizerExport(usesFourBits: false), FloatBiasBehindLayer(), QuantizersBesideLayers(),
    ])
}
