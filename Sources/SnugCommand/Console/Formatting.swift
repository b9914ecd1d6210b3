extension Double {
  /// Decimal notation with a fixed number of digits after the point, without a locale.
  func formatted(digits: Int) -> String {
    guard isFinite, magnitude < 1e15 else { return description }
    var scale = 1.0
    for _ in 0..<digits { scale *= 10 }
    let scaled = (magnitude * scale).rounded()
    let sign = self < 0 && scaled > 0 ? "-" : ""
    guard digits > 0, scaled < 9e15 else { return sign + String(Int(magnitude.rounded())) }
    let text = String(Int(scaled))
    let padded = String(repeating: "0", count: max(0, digits + 1 - text.count)) + text
    return "\(sign)\(padded.dropLast(digits)).\(padded.suffix(digits))"
  }
}
