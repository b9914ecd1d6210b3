import TensorCore

/// A value as a user writes it: of an option of the command line, or of a key in a recipe.
package enum SettingText: Sendable, Hashable {
  case scalar(String)
  case list([String])
  /// What no setting takes, such as a mapping in a recipe.
  case other
}

/// Why a setting doesn't take a value.
package enum SettingError: Error, Sendable, Hashable {
  /// It is of another kind; says which kind the setting takes, and which part of the value isn't of it where it
  /// isn't the whole.
  case expected(String, found: String? = nil)
  /// It is not in the form that the setting has; the sentence says what is wrong and what to give.
  case malformed(String)
  /// It is of the right kind, and outside of what is allowed.
  case notAllowed(value: String, allowed: String)
}

/// The values that a setting takes: how they are read, which are allowed, and how they are written.
package struct SettingDomain<Value: Sendable>: Sendable {
  /// The values, where they are few; else empty.
  let choices: [String]
  /// The range of numbers, where a user may come near its ends.
  let range: String?
  /// Whether the name alone means "on".
  let isSwitch: Bool
  /// Whether the option may be given several times, once for each member of a list.
  let isRepeated: Bool
  private let read: @Sendable (SettingText) -> Result<Value, SettingError>
  private let findOffence: @Sendable (Value) -> SettingError?
  let json: @Sendable (Value) -> JSONValue

  init(
    choices: [String] = [], range: String? = nil, isSwitch: Bool = false,
    isRepeated: Bool = false, json: @escaping @Sendable (Value) -> JSONValue,
    offence: @escaping @Sendable (Value) -> SettingError? = { _ in nil },
    read: @escaping @Sendable (SettingText) -> Result<Value, SettingError>
  ) {
    self.choices = choices
    self.range = range
    self.isSwitch = isSwitch
    self.isRepeated = isRepeated
    self.json = json
    self.read = read
    findOffence = offence
  }

  /// - Throws: ``SettingError`` where the text is of another kind, or the value isn't allowed.
  func value(of text: SettingText) throws(SettingError) -> Value {
    let value = try read(text).get()
    if let offence = findOffence(value) { throw offence }
    return value
  }

  /// Why `value` isn't allowed; `nil` where it is.
  func offence(in value: Value) -> SettingError? { findOffence(value) }

  /// The value as the help names it.
  func text(_ value: Value) -> String {
    switch json(value) {
    case .string(let text): text
    case .bool(let isOn): isSwitch ? (isOn ? "yes" : "no") : (isOn ? "on" : "off")
    case .number(let number) where number == number.rounded() && abs(number) < 1e9:
      "\(Int(number))"
    case let other: other.text()
    }
  }
}

extension SettingDomain where Value == Int {
  /// Whole numbers within a range.
  package static func integer(_ allowed: ClosedRange<Int>) -> Self {
    let range =
      allowed.upperBound >= Int(Int32.max)
      ? "\(allowed.lowerBound) and up" : "\(allowed.lowerBound) to \(allowed.upperBound)"
    return Self(
      range: allowed.upperBound <= 64 ? range : nil, json: { JSONValue($0) },
      offence: { allowed.contains($0) ? nil : .notAllowed(value: "\($0)", allowed: range) },
      read: { text in
        if case .scalar(let scalar) = text, let value = Int(scalar) { return .success(value) }
        return .failure(.expected("a whole number"))
      })
  }
}

/// Which numbers a setting takes.
package enum NumberRange: String, Sendable {
  case nonzero = "finite numbers other than 0"
  case positive = "positive numbers"
  case nonnegative = "0 and positive numbers"
  case share = "0 to below 1"

  func contains(_ value: Double) -> Bool {
    switch self {
    case .nonzero: value.isFinite && value != 0
    case .positive: value.isFinite && value > 0
    case .nonnegative: value.isFinite && value >= 0
    case .share: (0..<1).contains(value)
    }
  }

  func offence(in value: Double) -> SettingError? {
    contains(value) ? nil : .notAllowed(value: "\(value)", allowed: rawValue)
  }
}

extension SettingDomain where Value == Double {
  package static func number(_ allowed: NumberRange) -> Self {
    Self(
      json: { .number($0) }, offence: allowed.offence,
      read: { text in
        if case .scalar(let scalar) = text, let value = Double(scalar) { return .success(value) }
        return .failure(.expected("a number"))
      })
  }
}

extension SettingDomain where Value == [Double] {
  /// One number or several, as a list or separated by commas.
  package static func numbers(_ allowed: NumberRange? = nil) -> Self {
    Self(
      json: { .array($0.map { .number($0) }) },
      offence: { numbers in numbers.lazy.compactMap { allowed?.offence(in: $0) }.first },
      read: { text in
        let parts: [String] =
          switch text {
          case .scalar(let scalar):
            scalar.split(separator: ",", omittingEmptySubsequences: false).map(Self.trimmed)
          case .list(let list): list
          case .other: []
          }
        guard !parts.isEmpty else {
          return .failure(.expected("a list of numbers, such as [0.5, 0.5, 0.5]"))
        }
        var numbers: [Double] = []
        for part in parts {
          guard let number = Double(part), number.isFinite else {
            return .failure(.expected("a number", found: part))
          }
          numbers.append(number)
        }
        return .success(numbers)
      })
  }

  private static func trimmed(_ part: Substring) -> String {
    let start = part.drop { $0 == " " }
    return start.lastIndex { $0 != " " }.map { String(start[...$0]) } ?? ""
  }
}

extension SettingDomain where Value == [String] {
  /// Texts, each with an option of its own.
  package static var texts: Self {
    Self(
      isRepeated: true, json: { .array($0.map { .string($0) }) },
      read: { text in
        switch text {
        case .scalar(let scalar) where !scalar.isEmpty: .success([scalar])
        case .list(let list) where !list.isEmpty: .success(list)
        default: .failure(.expected("a text, or a list of texts"))
        }
      })
  }
}

extension SettingDomain where Value == Bool {
  /// `on` or `off`.
  package static var onOff: Self { flag(choices: ["on", "off"], isSwitch: false) }

  /// On by its name alone, off by `no-` before it; `on` or `off` in a recipe.
  package static var yesNo: Self { flag(choices: [], isSwitch: true) }

  private static func flag(choices: [String], isSwitch: Bool) -> Self {
    Self(
      choices: choices, isSwitch: isSwitch, json: { .bool($0) },
      read: { text in
        guard case .scalar(let scalar) = text else { return .failure(.expected("'on' or 'off'")) }
        switch scalar.lowercased() {
        case "on", "true", "yes": return .success(true)
        case "off", "false", "no": return .success(false)
        default: return .failure(.expected("'on' or 'off'"))
        }
      })
  }
}

extension SettingDomain where Value: RawRepresentable<String> & CaseIterable & Hashable {
  /// One of the cases, but for those of `excluded`.
  package static func choice(except excluded: Set<Value> = []) -> Self {
    let cases = Value.allCases.filter { !excluded.contains($0) }
    let allowed = cases.map(\.rawValue).joined(separator: ", ")
    return Self(
      choices: cases.map(\.rawValue), json: { .string($0.rawValue) },
      offence: {
        excluded.contains($0) ? .notAllowed(value: $0.rawValue, allowed: allowed) : nil
      },
      read: { text in
        guard case .scalar(let scalar) = text, !scalar.isEmpty else {
          return .failure(.expected("one of \(allowed)"))
        }
        return Value(rawValue: scalar).map(Result.success)
          ?? .failure(.notAllowed(value: scalar, allowed: allowed))
      })
  }
}

extension SettingDomain where Value == Recipe.IOLayers {
  /// `auto`, `none`, or names, as a list or separated by commas.
  static var ioLayers: Self {
    Self(
      json: { layers in
        switch layers {
        case .automatic: "auto"
        case .none: "none"
        case .named(let names): .array(names.map { .string($0) })
        }
      },
      read: { text in
        switch text {
        case .scalar("auto"): return .success(.automatic)
        case .scalar("none"): return .success(.none)
        case .scalar(let names) where !names.isEmpty:
          return .success(.named(names.split(separator: ",").map(String.init)))
        case .list(let names) where !names.isEmpty: return .success(.named(names))
        default: return .failure(.expected("'auto', 'none', or names of layers"))
        }
      })
  }
}

extension SettingDomain where Value: CustomStringConvertible {
  /// Text in a form of its own, which `parse` reads and ``CustomStringConvertible/description`` writes.
  package static func text(_ parse: @escaping @Sendable (String) throws -> Value) -> Self {
    Self(
      json: { .string($0.description) },
      read: { text in
        guard case .scalar(let scalar) = text, !scalar.isEmpty else {
          return .failure(.expected("a text"))
        }
        return Result { try parse(scalar) }.mapError { .malformed("\($0)") }
      })
  }
}
