import Quantization
import TensorCore

/// A name or pattern of a recipe that no dot product of the model has, so that what was asked for it is asked of nothing.
struct UnmatchedName: Hashable {
  let pattern: String
  /// What it stands under: the key of a recipe, or the option.
  let place: String
  /// The nearest name that there is.
  let suggestion: String?

  /// - Parameter names: of all dot products, those that stay in floating point too.
  static func all(_ recipe: Recipe, among names: Set<String>) -> [UnmatchedName] {
    var patterns = recipe.layers.map { (place: RecipeFile.layersKey, pattern: $0.match) }
    if case .named(let layers) = recipe.ioLayers {
      patterns += layers.map { ("--io-layers", $0) }
    }
    let sorted = names.sorted()
    return patterns.filter { own in
      !sorted.contains { NamePattern.matches(own.pattern, $0) }
    }.map { own in
      UnmatchedName(
        pattern: own.pattern, place: own.place,
        suggestion: Spelling.nearest(to: own.pattern, among: sorted))
    }
  }

  var text: String {
    let question = suggestion.map { "; did you mean '\($0.printable)'?" } ?? ""
    return "no dot product is called '\(pattern.printable)', which stands under \(place)\(question)"
  }

  var json: JSONValue {
    ["kind": "unmatched_name", "layers": [.string(pattern)], "text": .string(text)]
  }
}
