extension Registers {
  /// The registers that have a name. docs/registers.md says what is known of each, and by which experiment.
  public static let named: [Registers] = [
    known(
      "x86-u8s8",
      [
        Stage(
          length: 2, bits: 16, overflow: .saturate, products: [.channelsLast, .withinPosition]),
        Stage(bits: 32, overflow: .wrap),
      ], .unsignedBytes,
      "PMADDUBSW, which onnxruntime (MLAS), oneDNN and FBGEMM use on x86 processors without VNNI"),
    known(
      "neon-s8s8",
      [
        Stage(length: 2, bits: 16, overflow: .wrap, products: [.any]),
        Stage(bits: 32, overflow: .wrap),
      ], .signedBytes,
      "SMULL and SMLAL, which onnxruntime (MLAS), gemmlowp and XNNPACK use on ARM processors without dot products"
    ),
    known(
      "int16", [Stage(bits: 16, overflow: .saturate)], .values,
      "a saturating accumulator of 16 bits, as signal processors and SIMD instructions have it"),
    known(
      "finn", [Stage(bits: nil, overflow: .wrap)], .values,
      "FINN's matrix-vector units, whose accumulators have the width that the file states"),
    known(
      "fhe16", [Stage(bits: 16, overflow: .wrap)], .values,
      "Concrete ML, whose table look-ups on encrypted integers take 16 bits"),
  ]

  /// The registers of a name; `nil` for an unknown one.
  public static func named(_ name: String) -> Registers? { named.first { $0.name == name } }

  private static func known(
    _ name: String, _ stages: [Stage], _ operands: RegisterOperands, _ source: String
  ) -> Registers {
    do {
      return try Registers(name: name, stages: stages, operands: operands, source: source)
    } catch { preconditionFailure("\(name) \(error)") }
  }
}
