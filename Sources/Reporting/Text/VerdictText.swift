import Verification

/// Verdicts in words.
enum VerdictText {
  static func word(_ result: VerificationResult) -> String {
    result.isCertified ? "certified" : result.isRefuted ? "refuted" : "not certifiable"
  }

  static func word(_ verdict: LayerVerdict) -> String {
    if verdict.isCertified { return "certified" }
    return verdict.findings.contains(where: \.isRefutation) ? "refuted" : "not certifiable"
  }

  /// One line that says how the model stands, then one for each layer without a certificate.
  static func summary(_ result: VerificationResult, style: TextStyle) -> String {
    let open = result.layers.filter { !$0.isCertified }
    let count = result.layers.count
    var lines: [String] = []
    if count == 0 {
      // The finding below says it.
    } else if open.isEmpty {
      let subject = count == 1 ? "The layer is" : "All \(count) layers are"
      lines.append(
        "\(subject) certified: no accumulator leaves its width, "
          + "whatever the input and the order of summation.")
    } else {
      let subject = count == 1 ? "The layer is" : "\(open.count) of \(count) layers are"
      lines.append("\(subject) not certified:")
    }
    for verdict in open.prefix(reasonLimit) {
      let reasons = verdict.findings.map(\.description).joined(separator: "; ")
      lines.append("  \(verdict.layer.name): \(reasons)")
    }
    if open.count > reasonLimit {
      lines.append("  \(style.ellipsis) and \(open.count - reasonLimit) more (--json has all)")
    }
    lines += result.findings.map { "\($0)." }
    lines += notes(result)
    return lines.map { style.wrap($0, indent: $0.hasPrefix("  ") ? 4 : 0) }
      .joined(separator: "\n")
  }

  /// What doesn't stand against a certificate, and should be known.
  private static func notes(_ result: VerificationResult) -> [String] {
    let inexact = result.layers.filter { ($0.layer.weight?.inexactCount ?? 0) > 0 }
    guard let first = inexact.first?.layer, let weight = first.weight else { return [] }
    let others = inexact.count == 1 ? "" : " (and of \(inexact.count - 1) more layers)"
    return [
      "Note: \(weight.inexactCount) of \(weight.elementCount) weights of \(first.name)\(others) are "
        + "not integers times the scale; the verdict holds for a reader that rounds as the "
        + "quantizer says."
    ]
  }

  private static let reasonLimit = 12
}
