extension ExportDialect {
  static let qdqInt4 = ExportDialect(
    summary: "4-bit codes in the types INT4 and UINT4 (opset 21)", opset: 21, irVersion: 10,
    passes: [
      LinearQuantizerExport(usesFourBits: true), FloatBiasBehindLayer(),
      QuantizersBesideLayers(coversMovements: true),
    ])
}
