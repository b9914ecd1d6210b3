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
      let claim =
        "\(subject) certified: no accumulator leaves its width, "
        + "whatever the input and the order of summation."
      lines.append(style.wrap(claim))
    } else {
      let subject =
        count == 1
        ? "The layer is" : "\(open.count) of \(count) layers \(open.count == 1 ? "is" : "are")"
      lines.append("\(subject) not certified:")
    }
    for verdict in open.prefix(reasonLimit) {
      let reasons = verdict.findings.map(\.description).joined(separator: "; ")
      lines.append(style.wrap("\(verdict.layer.name): \(reasons)", first: 2, rest: 4))
    }
    if open.count > reasonLimit {
      let more = "\(style.ellipsis) and \(open.count - reasonLimit) more (--json has all)"
      lines.append(style.wrap(more, first: 2, rest: 4))
    }
    lines += result.findings.map { style.wrap("\($0).") }
    lines += notes(result).map { style.wrap($0) }
    return lines.joined(separator: "\n")
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
