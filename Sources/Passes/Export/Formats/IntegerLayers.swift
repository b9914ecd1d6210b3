extension ExportDialect {
  static let integer = ExportDialect(
    summary:
      "ConvInteger and MatMulInteger with 32-bit accumulators, scales after them (opset 13)",
    opset: 13, irVersion: 7,
    passes: [LinearQuantizerExport(usesFourBits: false), IntegerLayerExport()])
}
