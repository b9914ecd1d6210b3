import TensorCore

/// A setting outside what the method or the exported format allows.
public struct RecipeError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The option's long name.
  public var option: String
  public var value: String
  public var allowed: String

  public var description: String { "\(option) is \(value); allowed: \(allowed)" }
}

extension Recipe {
  /// - Throws: ``RecipeError`` for the first setting that is out of range.
  public func validate() throws(RecipeError) {
    for setting in Self.settings + Self.trainingSettings { try setting.check(self) }
    for layer in layers {
      for setting in LayerOverride.settings { try setting.check(layer) }
    }
  }

  /// Whether settings go together, once all are known.
  ///
  /// - Throws: ``RecipeError`` for the first that needs another one.
  func validateCombinations() throws(RecipeError) {
    if let registers, let tileSize {
      throw RecipeError(
        option: "tile-size", value: "\(tileSize)",
        allowed: "only without registers, which are those of \(registers.name)")
    }
    let isTiled = tileSize != nil || layers.contains { ($0.tileSize ?? 0) > 0 }
    if let outerBits = outerBits ?? layers.lazy.compactMap(\.outerBits).first, !isTiled {
      throw RecipeError(
        option: "outer-bits", value: "\(outerBits)", allowed: "only together with tile-size")
    }
  }

  /// The override for a node of that name, all matching ones merged, later ones first.
  public func override(for name: String) -> LayerOverride {
    var merged = LayerOverride(match: name)
    for layer in layers where NamePattern.matches(layer.match, name) {
      for setting in LayerOverride.settings { setting.overlay(layer, on: &merged) }
    }
    return merged
  }
}
