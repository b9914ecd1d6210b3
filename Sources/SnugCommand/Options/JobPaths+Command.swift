import ArgumentParser
import Snug

/// A property that the command line fills, as found by reflection.
protocol ParsedProperty {
  /// What the property holds; only once the command line is read.
  var anyValue: Any { get }
  static var valueType: Any.Type { get }
}

extension Option: ParsedProperty {
  var anyValue: Any { wrappedValue }
  static var valueType: Any.Type { Value.self }
}

extension Flag: ParsedProperty {
  var anyValue: Any { wrappedValue }
  static var valueType: Any.Type { Value.self }
}

extension Argument: ParsedProperty {
  var anyValue: Any { wrappedValue }
  static var valueType: Any.Type { Value.self }
}

extension OptionGroup: ParsedProperty {
  var anyValue: Any { wrappedValue }
  static var valueType: Any.Type { Value.self }
}

extension JobPaths {
  /// What the options of a command name, those of its option groups too.
  init(of command: some ParsableArguments) {
    self.init()
    add(command)
  }

  private mutating func add(_ options: Any) {
    for child in Mirror(reflecting: options).children {
      guard let property = child.value as? any ParsedProperty else { continue }
      let value = property.anyValue
      if value is any ParsableArguments {
        add(value)
      } else {
        let values = value as? [any PathArgument] ?? [value as? any PathArgument].compactMap { $0 }
        for value in values { add(value, as: Self.option(child.label ?? "")) }
        // What stands without an option is a model that is read.
        if property is Argument<String>, let model = value as? String { readModel(model) }
      }
    }
  }

  private mutating func add(_ argument: some PathArgument, as option: String) {
    if let output = type(of: argument).output {
      write(argument.path, output, as: option)
    } else {
      read(argument.path, as: option)
    }
  }

  /// The option of a property wrapper's storage: `--output-dir` of `_outputDir`.
  private static func option(_ label: String) -> String {
    label.drop { $0 == "_" }.reduce(into: "--") { name, character in
      name += character.isUppercase ? "-\(character.lowercased())" : String(character)
    }
  }
}
