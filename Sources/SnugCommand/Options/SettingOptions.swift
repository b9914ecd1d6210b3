import ArgumentParser
import Snug

/// The options of a table of settings: name, help, values and checks all come from the table.
///
/// The parser finds options by reflection on the properties of a type; this one shows it a property for each line of
/// the table.
struct SettingOptions<Table: SettingTable>: ParsableArguments, CustomReflectable {
  private var options: [Definition]

  init() { options = Table.settings.map { Definition($0) } }

  init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: Key.self)
    options = try Table.settings.map { try Definition($0, from: values) }
  }

  var customMirror: Mirror {
    Mirror(self, children: options.map { (label: $0.setting.name, value: $0.property) })
  }

  /// The values that were given, and how each option is set.
  private var given: [(setting: Setting<Table.Root>, text: SettingText)] {
    options.compactMap { option in option.given.map { (option.setting, $0) } }
  }

  /// Whether the option of that name was given.
  func has(_ name: String) -> Bool { given.contains { $0.setting.name == name } }

  /// Whether no option of the table was given.
  var isEmpty: Bool { given.isEmpty }

  /// Gives the values that the command line has to `root`.
  ///
  /// - Throws: `ValidationError` for a value that its setting doesn't take.
  func apply(to root: inout Table.Root) throws {
    for (setting, text) in given {
      do {
        try setting.set(text, in: &root)
      } catch {
        switch error {
        case .expected(let what, let found):
          throw ValidationError("--\(setting.name) is '\(found ?? text.description)'; give \(what)")
        case .malformed(let problem): throw ValidationError("--\(setting.name): \(problem)")
        case .notAllowed(let value, let allowed):
          throw ValidationError(
            "--\(setting.name) is \(value); allowed: \(allowed)"
              + Spelling.question(about: value, among: setting.choices))
        }
      }
    }
  }

  private struct Key: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  /// One option as the parser knows it.
  private struct Definition {
    let setting: Setting<Table.Root>
    let property: any ParsedProperty

    init(_ setting: Setting<Table.Root>) {
      self.setting = setting
      if setting.isSwitch {
        property = Flag<Bool?>(
          name: .customLong(setting.name), inversion: .prefixedNo, help: setting.help)
      } else if setting.isRepeated {
        property = Option<[SettingArgument]>(
          wrappedValue: [], name: .customLong(setting.name), help: setting.help)
      } else {
        property = Option<SettingArgument?>(
          name: .customLong(setting.name), help: setting.help,
          completion: setting.choices.isEmpty ? nil : .list(setting.choices))
      }
    }

    init(_ setting: Setting<Table.Root>, from values: KeyedDecodingContainer<Key>) throws {
      self.setting = setting
      let key = Key(stringValue: setting.name)
      if setting.isSwitch {
        property = try values.decode(Flag<Bool?>.self, forKey: key)
      } else if setting.isRepeated {
        property = try values.decode(Option<[SettingArgument]>.self, forKey: key)
      } else {
        property = try values.decode(Option<SettingArgument?>.self, forKey: key)
      }
    }

    /// What the command line says; `nil` where it has nothing.
    var given: SettingText? {
      switch property {
      case let flag as Flag<Bool?>: flag.wrappedValue.map { .scalar($0 ? "on" : "off") }
      case let option as Option<SettingArgument?>: option.wrappedValue.map { .scalar($0.text) }
      case let option as Option<[SettingArgument]>:
        option.wrappedValue.isEmpty ? nil : .list(option.wrappedValue.map(\.text))
      default: nil
      }
    }
  }
}

extension SettingText {
  /// The value as the command line has it.
  fileprivate var description: String {
    switch self {
    case .scalar(let text): text
    case .list(let texts): texts.joined(separator: " ")
    case .other: ""
    }
  }
}

/// The value of a setting as it is given; its table says what it may be, and none of them is a path.
struct SettingArgument: ExpressibleByArgument {
  let text: String

  init(argument: String) { text = argument }
}

extension SettingOptions {
  /// Refuses what a setting doesn't take before anything is done; `root` is any value.
  func check(in root: Table.Root) throws {
    var root = root
    try apply(to: &root)
  }
}

extension Setting {
  /// What the command line's help says: the sentence of the table, the range, what holds otherwise, and the values.
  var help: ArgumentHelp {
    let notes = [range, defaultText.map { "default: \($0)" }].compactMap(\.self)
    var text = summary + (notes.isEmpty ? "." : " (\(notes.joined(separator: "; "))).")
    if !choices.isEmpty { text += " (values: \(choices.joined(separator: ", ")))" }
    return ArgumentHelp("\(text)", valueName: placeholder ?? name)
  }
}
