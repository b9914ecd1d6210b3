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

  /// A line that says how the model fares, one for each layer that is not certified, and the notes.
  static func summary(_ result: VerificationResult, style: TextStyle) -> String {
    let open = result.layers.filter { !$0.isCertified }
    let count = result.layers.count
    var lines: [String] = []
    if count == 0 {
      // A finding below says that there are no layers.
    } else if result.layers.allSatisfy({ $0.layer.isFloat }) {
      let subject =
        count == 1 ? "The model's one layer is" : "None of the model's \(count) layers is"
      let word = count == 1 ? "not quantized" : "quantized"
      return style.wrap("\(subject) \(word): there are no integers to certify.")
    } else if open.isEmpty {
      lines.append(style.wrap(claim(result)))
    } else {
      let subject =
        count == 1
        ? "The layer is" : "\(open.count) of \(count) layers \(open.count == 1 ? "is" : "are")"
      lines.append("\(subject) not certified:")
    }
    for verdict in open.prefix(reasonLimit) {
      let reasons = style.quoting(verdict.findings.map(\.description).joined(separator: "; "))
      let name = style.shortened(verdict.layer.name, to: nameLimit)
      lines.append(style.wrap("\(name): \(reasons)", first: 2, rest: 4))
    }
    if open.count > reasonLimit {
      let more = "\(style.ellipsis) and \(open.count - reasonLimit) more (--json has all)"
      lines.append(style.wrap(more, first: 2, rest: 4))
    }
    lines += result.findings.map { style.wrap(style.quoting("\($0).")) }
    lines += notes(result).map { style.wrap($0) }
    return lines.joined(separator: "\n")
  }

  /// What is certified and under which assumptions; or, where something else prevents a certificate, that the layers
  /// alone fit.
  private static func claim(_ result: VerificationResult) -> String {
    let count = result.layers.count
    guard result.isCertified else {
      let subject =
        count == 1 ? "The layer fits its accumulator" : "All \(count) layers fit their accumulators"
      return "\(subject), but the model is not certified:"
    }
    let subject = count == 1 ? "The layer is" : "All \(count) layers are"
    var conditions: [String] = []
    if let name = result.replaceableConstants.first {
      let others = result.replaceableConstants.count - 1
      conditions.append(
        "for the weights in the file: a caller can replace '\(name)'"
          + (others > 0 ? " and \(others) more" : "")
          + ", since the file also lists \(others > 0 ? "them as inputs" : "it as an input")")
    }
    if !result.assumptions.isEmpty {
      let names = result.assumptions.map(\.description).joined(separator: ", ")
      conditions.append("assuming, as you say, that no dot product is hidden in \(names)")
    }
    // The claim holds for any input only where nothing is assumed.
    let scope =
      result.assumptions.isEmpty
      ? "whatever the input and the order of summation" : "in any order of summation"
    return (["\(subject) certified: no accumulator leaves its width, \(scope)"] + conditions)
      .joined(separator: "; ") + "."
  }

  /// What doesn't prevent a certificate but should be known.
  private static func notes(_ result: VerificationResult) -> [String] {
    biasNotes(result) + inexactNotes(result)
  }

  private static func biasNotes(_ result: VerificationResult) -> [String] {
    let included = result.layers.count { $0.layer.bias != nil }
    if included == 0 { return [] }
    return [
      included == result.layers.count
        ? "Biases are included."
        : "Biases of \(included) of \(result.layers.count) layers are included."
    ]
  }

  private static func inexactNotes(_ result: VerificationResult) -> [String] {
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
  private static let nameLimit = 60
}

extension LayerAnalysis {
  /// Whether nothing in the layer is known to be integers, and all that is missing is a quantizer.
  fileprivate var isFloat: Bool {
    switch obstacle {
    case .unquantizedInput, .unquantizedWeight: weight == nil && input == nil
    default: false
    }
  }
}
