import Quantization
import Yams

/// One key of a recipe file: its name, and how its value changes the options.
struct RecipeKey {
  let name: String
  let set: @Sendable (RecipeValue, inout ConversionOptions) throws(RecipeFileError) -> Void
}

/// Every key that a recipe takes; the names are those of the command line's long options.
enum RecipeKeys {
  static let all: [RecipeKey] = quantization + data + training + execution + [layers]

  private static let quantization: [RecipeKey] = [
    RecipeKey(name: "method") { (value, options) throws(RecipeFileError) in
      options.recipe.method = try value.choice()
    },
    RecipeKey(name: "weight-bits") { (value, options) throws(RecipeFileError) in
      options.recipe.weightBits = try value.integer()
    },
    RecipeKey(name: "activation-bits") { (value, options) throws(RecipeFileError) in
      options.recipe.activationBits = try value.integer()
    },
    RecipeKey(name: "accumulator-bits") { (value, options) throws(RecipeFileError) in
      options.recipe.accumulatorBits = try value.integer()
    },
    RecipeKey(name: "io-bits") { (value, options) throws(RecipeFileError) in
      options.recipe.ioBits = try value.integer()
    },
    RecipeKey(name: "bias-bits") { (value, options) throws(RecipeFileError) in
      options.recipe.biasBits = try value.integer()
    },
    RecipeKey(name: "tile-size") { (value, options) throws(RecipeFileError) in
      options.recipe.tileSize = try value.integer()
    },
    RecipeKey(name: "outer-bits") { (value, options) throws(RecipeFileError) in
      options.recipe.outerBits = try value.integer()
    },
    RecipeKey(name: "init") { (value, options) throws(RecipeFileError) in
      options.recipe.initializer = try value.choice()
    },
    RecipeKey(name: "refine") { (value, options) throws(RecipeFileError) in
      options.recipe.refine = try value.choice()
    },
    RecipeKey(name: "scale-search") { (value, options) throws(RecipeFileError) in
      options.recipe.scaleSearch = try value.choice()
    },
    RecipeKey(name: "rounding") { (value, options) throws(RecipeFileError) in
      options.recipe.rounding = try value.choice(Recipe.Rounding.self)
    },
    RecipeKey(name: "depthwise") { (value, options) throws(RecipeFileError) in
      options.recipe.depthwiseMethod = try value.choice()
    },
    RecipeKey(name: "bias-correction") { (value, options) throws(RecipeFileError) in
      options.recipe.biasCorrection = try value.flag()
    },
    RecipeKey(name: "activation-range") { (value, options) throws(RecipeFileError) in
      options.recipe.rangeEstimator = try value.choice()
    },
    RecipeKey(name: "activation-width") { (value, options) throws(RecipeFileError) in
      options.recipe.activationWidth = try value.choice(Recipe.ActivationWidth.self)
    },
    RecipeKey(name: "reconstruction-steps") { (value, options) throws(RecipeFileError) in
      options.recipe.reconstructionSteps = try value.integer()
    },
    RecipeKey(name: "equalization") { (value, options) throws(RecipeFileError) in
      options.recipe.equalization = try value.flag()
    },
    RecipeKey(name: "scale-type") { (value, options) throws(RecipeFileError) in
      options.recipe.scaleType = try value.choice()
    },
    RecipeKey(name: "fold-batch-normalization") { (value, options) throws(RecipeFileError) in
      options.recipe.foldBatchNormalization = try value.flag()
    },
    RecipeKey(name: "input-unsigned") { (value, options) throws(RecipeFileError) in
      options.recipe.inputUnsigned = try value.flag()
    },
    RecipeKey(name: "calibration-samples") { (value, options) throws(RecipeFileError) in
      options.recipe.calibrationSamples = try value.integer()
    },
  ]

  private static let data: [RecipeKey] = [
    RecipeKey(name: "data") { (value, options) throws(RecipeFileError) in
      options.data = try value.string()
    },
    RecipeKey(name: "validation") { (value, options) throws(RecipeFileError) in
      options.validation = try value.string()
    },
    RecipeKey(name: "mean") { (value, options) throws(RecipeFileError) in
      options.preprocessing.normalization.mean = try value.numbers()
    },
    RecipeKey(name: "std") { (value, options) throws(RecipeFileError) in
      let numbers = try value.numbers()
      if let wrong = numbers.first(where: { $0 <= 0 }) {
        throw value.notAllowed("\(wrong)", allowed: "positive numbers")
      }
      options.preprocessing.normalization.std = numbers
    },
    RecipeKey(name: "input-scale") { (value, options) throws(RecipeFileError) in
      options.preprocessing.normalization.inputScale = try value.number()
    },
    RecipeKey(name: "task") { (value, options) throws(RecipeFileError) in
      options.preprocessing.task = try value.choice()
    },
    RecipeKey(name: "scale") { (value, options) throws(RecipeFileError) in
      options.preprocessing.upscaleFactor = try value.integer(in: 1...16, "1 to 16")
    },
  ]

  private static let execution: [RecipeKey] = [
    RecipeKey(name: "format") { (value, options) throws(RecipeFileError) in
      options.format = try value.choice()
    },
    RecipeKey(name: "seed") { (value, options) throws(RecipeFileError) in
      options.seed = try value.integer(in: 0..., "0 and up")
    },
    RecipeKey(name: "threads") { (value, options) throws(RecipeFileError) in
      options.threads = try value.integer(in: 1...1024, "1 to 1024")
    },
  ]

  private static let layers = RecipeKey(name: "layers") {
    (value, options) throws(RecipeFileError) in
    guard case .sequence(let sequence) = value.node else {
      throw value.expected("a list of overrides, each with 'match'")
    }
    for element in sequence { options.recipe.layers.append(try layerOverride(element, value)) }
  }

  private static func layerOverride(_ node: YAMLNode, _ list: RecipeValue) throws(RecipeFileError)
    -> Recipe.LayerOverride
  {
    let names = [
      "match", "quantize", "method", "weight-bits", "activation-bits", "accumulator-bits",
      "bias-bits", "tile-size", "outer-bits",
    ]
    var layer = Recipe.LayerOverride(match: "")
    try list.reader.forEachMember(of: node, of: names) {
      (name, node, line) throws(RecipeFileError) in
      let value = RecipeValue(node: node, key: name, line: line, reader: list.reader)
      switch name {
      case "match": layer.match = try value.string()
      case "quantize": layer.quantize = try value.flag()
      case "method": layer.method = try value.choice()
      case "weight-bits": layer.weightBits = try value.integer()
      case "activation-bits": layer.activationBits = try value.integer()
      case "bias-bits": layer.biasBits = try value.integer()
      case "tile-size": layer.tileSize = try value.integer()
      case "outer-bits": layer.outerBits = try value.integer()
      default: layer.accumulatorBits = try value.integer()
      }
      var recipe = Recipe()
      recipe.layers = [layer]
      try value.check(recipe)
    }
    guard !layer.match.isEmpty else {
      throw RecipeFileError(
        path: list.reader.path, line: node.mark?.line, key: list.key, reason: .missingKey("match"))
    }
    return layer
  }
}
