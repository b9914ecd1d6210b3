/// Numbers for people, the same in every locale.
enum Figures {
  static func number(_ value: Int?, _ style: TextStyle) -> String {
    value.map { "\($0)" } ?? style.none
  }

  /// A data type as QONNX and FINN name it, with its zero point where that isn't 0.
  static func dataType(
    _ type: (bits: Int, signed: Bool, zeroPoint: Int)?, _ style: TextStyle
  ) -> String {
    guard let type else { return style.none }
    if type.bits == 1, type.signed { return "BIPOLAR" }
    let zeroPoint = type.zeroPoint == 0 ? "" : " z\(type.zeroPoint)"
    return (type.signed ? "INT" : "UINT") + "\(type.bits)" + zeroPoint
  }

  /// The least and the greatest of some values; one number where they are the same.
  static func range(_ values: [Float], _ style: TextStyle) -> String {
    guard let low = values.min(), let high = values.max() else { return style.none }
    return low == high ? significant(low) : "\(significant(low)) .. \(significant(high))"
  }

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
