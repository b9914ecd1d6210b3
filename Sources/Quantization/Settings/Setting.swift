import TensorCore

/// One thing that a user can set: its name, the values it takes, where its value lies, and what it does.
///
/// A setting is written once, as a line of a table. The options of the command line, the keys of recipe files, the
/// recipe in a model's metadata, the checks of ranges and the merging of overrides are all made from that line.
package struct Setting<Root>: Sendable {
  /// The long option without its dashes, and the key of a recipe.
  package let name: String
  /// What it does, in one sentence without its end.
  package let summary: String
  /// What stands for the value in the help of the command line; `nil` for the name.
  package let placeholder: String?
  /// The values, where they are few; else empty.
  package let choices: [String]
  /// The range of numbers, where a user may come near its ends.
  package let range: String?
  /// Whether the option's name alone turns it on.
  package let isSwitch: Bool
  /// Whether the option may be given several times, once for each member of a list.
  package let isRepeated: Bool
  /// What holds where nothing is given; `nil` where that needs no words.
  package let defaultText: String?
  /// Whether it is left out of a written recipe where it is as by default.
  package let isOptional: Bool

  private let setText: @Sendable (SettingText, inout Root) throws(SettingError) -> Void
  private let getJSON: @Sendable (Root) -> JSONValue?
  private let findOffence: @Sendable (Root) -> SettingError?
  private let copyGiven: @Sendable (Root, inout Root) -> Void

  /// A setting that always has a value.
  ///
  /// - Parameters:
  ///   - path: where `Root` holds the value.
  ///   - fallback: the value where nothing is given.
  ///   - defaultText: that value in words; made from `fallback` where it is `nil`.
  ///   - isOptional: whether a written recipe leaves the value out where it is `fallback`.
  package init<Value: Hashable>(
    _ name: String, _ path: WritableKeyPath<Root, Value> & Sendable, _ domain: SettingDomain<Value>,
    fallback: Value, _ summary: String, placeholder: String? = nil, defaultText: String? = nil,
    isOptional: Bool = false
  ) {
    self.name = name
    self.summary = summary
    self.placeholder = placeholder
    self.isOptional = isOptional
    choices = domain.choices
    range = domain.range
    isSwitch = domain.isSwitch
    isRepeated = domain.isRepeated
    self.defaultText = defaultText ?? domain.text(fallback)
    setText = { (text, root) throws(SettingError) in
      root[keyPath: path] = try domain.value(of: text)
    }
    getJSON = { root in
      let value = root[keyPath: path]
      return isOptional && value == fallback ? JSONValue?.none : domain.json(value)
    }
    findOffence = { domain.offence(in: $0[keyPath: path]) }
    copyGiven = { $1[keyPath: path] = $0[keyPath: path] }
  }

  /// A setting that has a value only where one is given.
  package init<Value>(
    _ name: String, _ path: WritableKeyPath<Root, Value?> & Sendable,
    _ domain: SettingDomain<Value>, _ summary: String, placeholder: String? = nil,
    defaultText: String? = nil
  ) {
    self.name = name
    self.summary = summary
    self.placeholder = placeholder
    self.defaultText = defaultText
    isOptional = true
    choices = domain.choices
    range = domain.range
    isSwitch = domain.isSwitch
    isRepeated = domain.isRepeated
    setText = { (text, root) throws(SettingError) in
      root[keyPath: path] = try domain.value(of: text)
    }
    getJSON = { $0[keyPath: path].map(domain.json) }
    findOffence = { $0[keyPath: path].flatMap(domain.offence) }
    copyGiven = { if let value = $0[keyPath: path] { $1[keyPath: path] = value } }
  }

  private init<Inner>(_ inner: Setting<Inner>, in path: WritableKeyPath<Root, Inner> & Sendable) {
    name = inner.name
    summary = inner.summary
    placeholder = inner.placeholder
    choices = inner.choices
    range = inner.range
    isSwitch = inner.isSwitch
    isRepeated = inner.isRepeated
    defaultText = inner.defaultText
    isOptional = inner.isOptional
    setText = { (text, root) throws(SettingError) in
      try inner.setText(text, &root[keyPath: path])
    }
    getJSON = { inner.getJSON($0[keyPath: path]) }
    findOffence = { inner.findOffence($0[keyPath: path]) }
    copyGiven = { inner.copyGiven($0[keyPath: path], &$1[keyPath: path]) }
  }

  /// The same setting of a value that holds `Root`.
  package func lifted<Outer>(to path: WritableKeyPath<Outer, Root> & Sendable) -> Setting<Outer> {
    Setting<Outer>(self, in: path)
  }

  /// Takes the value that a user has written.
  ///
  /// - Throws: ``SettingError`` where the setting doesn't take it; `root` stays as it was.
  package func set(_ text: SettingText, in root: inout Root) throws(SettingError) {
    try setText(text, &root)
  }

  /// The value as a recipe writes it; `nil` where it is left out.
  package func json(of root: Root) -> JSONValue? { getJSON(root) }

  /// - Throws: ``RecipeError`` for a value outside of what the setting takes.
  package func check(_ root: Root) throws(RecipeError) {
    if case .notAllowed(let value, let allowed)? = findOffence(root) {
      throw RecipeError(option: name, value: value, allowed: allowed)
    }
  }

  /// Puts the value of `upper`, where it has one, in place of that of `root`.
  package func overlay(_ upper: Root, on root: inout Root) { copyGiven(upper, &root) }
}

extension Sequence {
  /// The members of a written recipe: those that are always there, then those that were given.
  package func members<Root>(of root: Root) -> [JSONMember] where Element == Setting<Root> {
    [false, true].flatMap { isOptional in
      self.filter { $0.isOptional == isOptional }.compactMap { setting in
        setting.json(of: root).map { JSONMember(setting.name, $0) }
      }
    }
  }
}

/// Settings that belong together, in the order in which the help lists them.
package protocol SettingTable {
  associatedtype Root
  static var settings: [Setting<Root>] { get }
}
