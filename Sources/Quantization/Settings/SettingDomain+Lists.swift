import TensorCore

extension SettingDomain where Value == [Int] {
  /// Whole numbers and ranges of them, such as `9...20` or `8,12...16`, each once and in ascending order.
  package static func widths(_ allowed: ClosedRange<Int>) -> Self {
    let range = "\(allowed.lowerBound) to \(allowed.upperBound)"
    return Self(
      range: range, json: { .array($0.map { JSONValue($0) }) },
      offence: { values in
        values.first { !allowed.contains($0) }.map { .notAllowed(value: "\($0)", allowed: range) }
      },
      read: { text in
        let parts: [String] =
          switch text {
          case .scalar(let scalar):
            scalar.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
          case .list(let list): list
          case .other: []
          }
        var values: Set<Int> = []
        for part in parts {
          guard let range = Self.range(part) else {
            return .failure(
              .expected("whole numbers or ranges of them, such as 9...20 or 8,12,16", found: part))
          }
          // What is outside of any width is refused before it is counted up.
          if let end = [range.lowerBound, range.upperBound].first(where: { !allowed.contains($0) })
          {
            return .success([end])
          }
          values.formUnion(range)
        }
        return values.isEmpty
          ? .failure(.expected("whole numbers or ranges of them, such as 9...20 or 8,12,16"))
          : .success(values.sorted())
      })
  }

  /// `a...b`, or a single number.
  private static func range(_ text: String) -> ClosedRange<Int>? {
    if let number = Int(text) { return number...number }
    guard let first = text.firstIndex(of: "."),
      text[first...].hasPrefix("..."), let low = Int(text[..<first]),
      let high = Int(text[text.index(first, offsetBy: 3)...]), low <= high
    else { return nil }
    return low...high
  }
}

extension SettingDomain {
  /// Some of the cases, as a list or separated by commas, each once and in their order.
  package static func choices<Element>() -> Self
  where Value == [Element], Element: RawRepresentable<String> & CaseIterable & Hashable & Sendable {
    let allowed = Element.allCases.map(\.rawValue).joined(separator: ", ")
    return Self(
      choices: Element.allCases.map(\.rawValue),
      json: { .array($0.map { .string($0.rawValue) }) },
      read: { text in
        let parts: [String] =
          switch text {
          case .scalar(let scalar): scalar.split(separator: ",").map(String.init)
          case .list(let list): list
          case .other: []
          }
        guard !parts.isEmpty else { return .failure(.expected("some of \(allowed)")) }
        var values: Set<Element> = []
        for part in parts {
          guard let value = Element(rawValue: part) else {
            return .failure(.notAllowed(value: part, allowed: allowed))
          }
          values.insert(value)
        }
        return .success(Element.allCases.filter(values.contains))
      })
  }
}
