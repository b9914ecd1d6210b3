import ArgumentParser
import Snug
import TestSupport
import Testing

@testable import SnugCommand

/// Every option of every command is either a path, and says whether it is read or written, or known not to be one.
@Suite struct PathOptionTests {
  private struct Property: CustomStringConvertible {
    var command: String
    var label: String
    var type: Any.Type
    var isArgument: Bool
    var description: String { "\(command) \(label): \(type)" }
  }

  private static let properties = RootCommand.configuration.subcommands.flatMap {
    properties(of: $0, command: $0.configuration.commandName ?? "")
  }

  private static func properties(
    of type: any ParsableArguments.Type, command: String
  ) -> [Property] {
    Mirror(reflecting: type.init()).children.flatMap { child -> [Property] in
      guard let property = child.value as? any ParsedProperty else { return [] }
      let type = Swift.type(of: property).valueType
      if let group = type as? any ParsableArguments.Type {
        return properties(of: group, command: command)
      }
      return [
        Property(
          command: command, label: child.label ?? "", type: unwrapped(type),
          isArgument: property is Argument<String>)
      ]
    }
  }

  private static func unwrapped(_ type: Any.Type) -> Any.Type {
    (type as? any Container.Type).map { unwrapped($0.content) } ?? type
  }

  @Test func `no option takes a path as a plain string`() {
    #expect(Self.properties.count > 60)
    let others: [Any.Type] = [
      Bool.self, Int.self, Double.self, SettingArgument.self,
      LayerName.self, LayerFilter.self, LayerOrder.self,
    ]
    for property in Self.properties where !property.isArgument {
      let isKnown =
        property.type is any PathArgument.Type || property.type is any CaseIterable.Type
        || others.contains { $0 == property.type }
      #expect(isKnown, "\(property) is neither a PathArgument nor listed here as no path")
    }
  }

  @Test func `the paths of a command line are found in it`() throws {
    let files = try SampleFiles()
    let model = try files.quantized("model.onnx")
    let outputs = Self.properties.filter { ($0.type as? any PathArgument.Type)?.output != nil }
    #expect(outputs.map(\.label).contains("_checkpointDir"))
    // Each output alone against the model: whatever is declared is checked.
    let needed: [String: [String]] = [
      "convert": ["--output", "o.onnx"], "finetune": ["--output", "o.onnx", "--data", "none"],
      "export": ["--output", "o.onnx"], "compare": ["--data", "none", "other.onnx"],
      "sweep": ["--output", "o", "--accumulator-bits", "9"], "run": ["--output-dir", "o"],
    ]
    for property in outputs {
      let name = property.label.dropFirst().reduce(into: "--") {
        $0 += $1.isUppercase ? "-\($1.lowercased())" : String($1)
      }
      var arguments = needed[property.command] ?? []
      if let index = arguments.firstIndex(of: name) { arguments.removeSubrange(index...index + 1) }
      let command = try RootCommand.parseAsRoot(
        [property.command, model, name, model] + arguments)
      let subcommand: any Subcommand = try #require(command as? any Subcommand)
      let paths = JobPaths(of: subcommand)
      #expect(throws: SnugError.self, "\(property)") { try paths.check() }
    }
  }
}

/// A type that holds values of another.
private protocol Container {
  static var content: Any.Type { get }
}

extension Optional: Container {
  fileprivate static var content: Any.Type { Wrapped.self }
}

extension Array: Container {
  fileprivate static var content: Any.Type { Element.self }
}
