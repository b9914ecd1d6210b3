import Verification

/// The tables of `inspect` and `verify`.
enum LayerTable {
  static func inspection(_ layers: [LayerVerdict], style: TextStyle) -> String {
    let hasBiases = layers.contains { $0.layer.bias != nil }
    let hasTiles = layers.contains { $0.tiles != nil }
    return TextTable(
      columns: [
        .init(title: "layer", alignment: .left, isFlexible: true),
        .init(title: "op", alignment: .left, dropOrder: 3),
        .init(title: "K", dropOrder: 2),
        .init(title: "channels", dropOrder: 6),
        .init(title: "weight"),
        .init(title: "input"),
      ] + (hasBiases ? [.init(title: "bias")] : []) + [
        .init(title: "weight scale", dropOrder: 7),
        .init(title: "target", dropOrder: 0),
        .init(title: "required"),
      ] + (hasTiles ? [.init(title: "tiles")] : []) + [
        .init(title: "by type", dropOrder: 5),
        .init(title: "headroom", dropOrder: 1),
        .init(title: "zeros", dropOrder: 4),
        .init(title: style.isUnicode ? style.yes : "ok"),
      ],
      rows: layers.map { verdict in
        var cells = inspectionCells(verdict, style)
        if hasTiles { cells.insert(tiles(verdict, style), at: 9) }
        if hasBiases { cells.insert(bias(verdict.layer, style), at: 6) }
        return cells
      }
    ).render(style)
  }

  static func verification(_ result: VerificationResult, style: TextStyle) -> String {
    TextTable(
      columns: [
        .init(title: "layer", alignment: .left, isFlexible: true),
        .init(title: "op", alignment: .left, dropOrder: 0),
        .init(title: "target"), .init(title: "required"), .init(title: "headroom", dropOrder: 1),
        .init(title: "verdict", alignment: .left),
      ],
      rows: result.layers.map { verdict in
        [
          verdict.layer.name, verdict.layer.op, number(verdict.targetBits, style),
          number(verdict.requiredBits, style), headroom(verdict, style),
          "\(verdict.isCertified ? style.yes : style.no) \(VerdictText.word(verdict))",
        ]
      }
    ).render(style)
  }

  /// The cells of a layer in the columns of the inspection, without those for biases and tiles.
  static func inspectionCells(_ verdict: LayerVerdict, _ style: TextStyle) -> [String] {
    let layer = verdict.layer
    return [
      layer.name, layer.op, number(layer.dotLength, style),
      layer.channels.isEmpty ? style.none : "\(layer.channels.count)",
      layer.weight.map { dataType(bits: $0.bits, signed: $0.signed, zeroPoint: 0) } ?? style.none,
      layer.input.map { dataType(bits: $0.bits, signed: $0.signed, zeroPoint: $0.zeroPoint) }
        ?? style.none,
      layer.weight.map { scales($0.scales, style) } ?? style.none,
      number(verdict.targetBits, style), number(verdict.requiredBits, style),
      number(layer.dataTypeBits, style), headroom(verdict, style),
      layer.weight.map { Figures.percent($0.zeroFraction) } ?? style.none,
      verdict.isCertified ? style.yes : style.no,
    ]
  }

  /// The number of products in a tile, and the bits that the register which adds the tiles needs and has.
  private static func tiles(_ verdict: LayerVerdict, _ style: TextStyle) -> String {
    verdict.tiles.map { "\($0.size), \($0.outerRequiredBits) of \($0.outerBits)" } ?? style.none
  }

  /// The type of a bias that counts in the accumulators.
  static func bias(_ layer: LayerAnalysis, _ style: TextStyle) -> String {
    layer.bias.map { dataType(bits: $0.bits, signed: true, zeroPoint: 0) } ?? style.none
  }

  static func number(_ value: Int?, _ style: TextStyle) -> String {
    value.map { "\($0)" } ?? style.none
  }

  /// The bits of the target that the worst case leaves unused; negative where it overflows.
  private static func headroom(_ verdict: LayerVerdict, _ style: TextStyle) -> String {
    guard let target = verdict.targetBits, let required = verdict.requiredBits else {
      return style.none
    }
    return "\(target - required)"
  }

  /// A data type as QONNX and FINN name it.
  private static func dataType(bits: Int, signed: Bool, zeroPoint: Int) -> String {
    if bits == 1, signed { return "BIPOLAR" }
    return (signed ? "INT" : "UINT") + "\(bits)" + (zeroPoint == 0 ? "" : " z\(zeroPoint)")
  }

  private static func scales(_ scales: [Float], _ style: TextStyle) -> String {
    guard let low = scales.min(), let high = scales.max() else { return style.none }
    return low == high
      ? Figures.significant(low) : "\(Figures.significant(low)) .. \(Figures.significant(high))"
  }
}

/// Numbers for people, the same in every locale.
enum Figures {
  /// A whole number of per cent, which is 0 only for none and 100 only for all.
  static func percent(_ fraction: Double) -> String {
    let whole = Int((fraction * 100).rounded())
    if fraction > 0, whole == 0 { return "<1 %" }
    if fraction < 1, whole == 100 { return ">99 %" }
    return "\(whole) %"
  }

  /// A number with three significant digits.
  static func significant(_ value: Float) -> String {
    let magnitude = Double(value.magnitude)
    guard magnitude >= 1e-6, magnitude < 1e6 else {
      return value == 0 ? "0" : scientific(value)
    }
    var places = 0
    var scaled = magnitude
    while scaled < 100, places < 12 {
      scaled *= 10
      places += 1
    }
    let digits = String(Int(scaled.rounded()))
    let padded = String(repeating: "0", count: max(places + 1 - digits.count, 0)) + digits
    var text = "\(padded.dropLast(places))"
    let fraction = padded.suffix(places)
    if fraction.contains(where: { $0 != "0" }) {
      text += ".\(String(fraction.reversed().drop { $0 == "0" }.reversed()))"
    }
    return (value < 0 ? "-" : "") + text
  }

  /// A number with three significant digits and a power of ten.
  private static func scientific(_ value: Float) -> String {
    guard value.isFinite else { return "\(value)" }
    var mantissa = Double(value.magnitude)
    var exponent = 0
    while mantissa >= 9.995 {
      mantissa /= 10
      exponent += 1
    }
    while mantissa < 0.9995 {
      mantissa *= 10
      exponent -= 1
    }
    let digits = String(Int((mantissa * 100).rounded()))
    return "\(value < 0 ? "-" : "")\(digits.prefix(1)).\(digits.dropFirst())e\(exponent)"
  }
}
