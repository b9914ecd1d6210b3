import Quantization
import TensorCore
import Training

/// A conversion as the words of a command line.
enum CommandWords {
  /// What follows `snug convert` for these options, without the output.
  ///
  /// - Parameters:
  ///   - recipe: the recipe file that the options were read from, if any.
  ///   - excluded: names of options that the caller adds.
  /// - Throws: ``SnugError/recipe(_:)`` where the file can't be read any more.
  static func convert(
    _ model: String, _ options: ConversionOptions, recipe: String?, excluding excluded: Set<String>
  ) throws(SnugError) -> [String] {
    var words = [model]
    var base = ConversionOptions()
    if let recipe {
      try RecipeFile.apply(recipe, to: &base)
      words += ["--recipe", recipe]
    }
    if let data = options.data { words += ["--data", data] }
    let isTrained = options.training.epochs > 0
    if isTrained, let validation = options.validation { words += ["--validation", validation] }
    let own = Set(excluded.union(["data", "validation", "threads"]))
    return words
      + Self.words(
        ConversionOptions.settings.filter { !own.contains($0.name) }, options, base: base)
  }

  /// What follows `snug compare` for a model and what it was converted to.
  static func compare(
    _ model: String, _ output: String, data: String, _ preprocessing: Preprocessing
  ) -> [String] {
    [model, output, "--data", data]
      + words(Preprocessing.settings, preprocessing, base: Preprocessing())
  }

  /// The options that differ from those that hold anyway.
  private static func words<Root>(_ settings: [Setting<Root>], _ root: Root, base: Root) -> [String]
  {
    settings.flatMap { setting in
      guard let value = setting.json(of: root), value != setting.json(of: base) else {
        return [String]()
      }
      return words(setting, value)
    }
  }

  private static func words<Root>(_ setting: Setting<Root>, _ value: JSONValue) -> [String] {
    let option = "--\(setting.name)"
    func given(_ text: String) -> [String] {
      // What begins like an option is its value only behind an equals sign.
      text.hasPrefix("-") ? ["\(option)=\(text)"] : [option, text]
    }
    switch value {
    case .bool(let isOn) where setting.isSwitch:
      return [isOn ? option : "--no-\(setting.name)"]
    case .bool(let isOn): return given(isOn ? "on" : "off")
    case .string(let text): return given(text)
    case .array(let elements):
      let texts = elements.map(text)
      return setting.isRepeated ? texts.flatMap(given) : given(texts.joined(separator: ","))
    default: return given(text(value))
    }
  }

  private static func text(_ value: JSONValue) -> String {
    if case .string(let text) = value { return text }
    if let whole = value.integerValue { return "\(whole)" }
    return value.text()
  }
}
