import Quantization
import TensorCore
import Testing

@testable import Snug

@Suite struct RecipeFileTests {
  private func options(_ yaml: String) throws -> ConversionOptions {
    var options = ConversionOptions()
    try RecipeFile.apply(text: yaml, path: "recipe.yaml", to: &options)
    return options
  }

  @Test func `every key changes its option`() throws {
    let options = try options(
      """
      method: a2q
      weight-bits: 3
      activation-bits: 5
      accumulator-bits: 13
      io-bits: 7
      bias-bits: 11
      outer-bits: 24
      tile-size: 64
      init: clamp
      refine: none
      depthwise: a2q+
      bias-correction: off
      activation-range: mse
      gradient: jacobian
      activation-width: searched
      reconstruction-steps: 0
      equalization: on
      fold-batch-normalization: on
      input-unsigned: true
      calibration-samples: 12
      data: some/folder
      validation: other.npz
      mean: [0.5, 0.25, 0.125]
      std: 0.5,0.25,0.125
      input-scale: 0.00392157
      task: super-resolution
      scale: 3
      format: qonnx
      seed: 7
      threads: 2
      layers:
        - match: "*/depthwise"
          method: a2q+
          weight-bits: 8
          activation-bits: 6
          accumulator-bits: 20
          bias-bits: 14
          tile-size: 32
          outer-bits: 20
        - { match: head, quantize: off }
      """)
    var recipe = Recipe()
    recipe.method = .a2q
    recipe.weightBits = 3
    recipe.activationBits = 5
    recipe.accumulatorBits = 13
    recipe.ioBits = 7
    recipe.biasBits = 11
    recipe.outerBits = 24
    recipe.tileSize = 64
    recipe.initializer = .clamp
    recipe.refine = .none
    recipe.depthwiseMethod = .a2qPlus
    recipe.biasCorrection = false
    recipe.rangeEstimator = .mse
    recipe.gradient = .jacobian
    recipe.activationWidth = .searched
    recipe.reconstructionSteps = 0
    recipe.equalization = true
    recipe.foldBatchNormalization = true
    recipe.inputUnsigned = true
    recipe.calibrationSamples = 12
    recipe.layers = [
      Recipe.LayerOverride(match: "*/depthwise") {
        ($0.method, $0.weightBits, $0.activationBits) = (.a2qPlus, 8, 6)
        ($0.accumulatorBits, $0.biasBits, $0.tileSize, $0.outerBits) = (20, 14, 32, 20)
      },
      Recipe.LayerOverride(match: "head") { $0.quantize = false },
    ]
    #expect(options.recipe == recipe)
    #expect(options.data == "some/folder")
    #expect(options.validation == "other.npz")
    #expect(options.preprocessing.normalization.mean == [0.5, 0.25, 0.125])
    #expect(options.preprocessing.normalization.std == [0.5, 0.25, 0.125])
    #expect(options.preprocessing.normalization.inputScale == 0.00392157)
    #expect(options.preprocessing.task == .superResolution)
    #expect(options.preprocessing.upscaleFactor == 3)
    #expect(options.seed == 7)
    #expect(options.threads == 2)
  }

  @Test func `an empty recipe changes nothing`() throws {
    #expect(try options("# nothing here\n").recipe == Recipe())
  }

  @Test(arguments: [
    (
      "method: a2q\nacumulator-bits: 12",
      "recipe.yaml:2: key 'acumulator-bits': not an option; did you mean 'accumulator-bits'?"
    ),
    (
      "colour: red",
      "recipe.yaml:1: key 'colour': not an option; 'snug convert --help' lists the options that a recipe takes"
    ),
    ("weight-bits: 9", "recipe.yaml:1: key 'weight-bits': 9 is not allowed; allowed: 2 to 8"),
    ("weight-bits: four", "recipe.yaml:1: key 'weight-bits': found 'four'; give a whole number"),
    ("weight-bits:", "recipe.yaml:1: key 'weight-bits': found empty; give a whole number"),
    ("weight-bits: [4]", "recipe.yaml:1: key 'weight-bits': found a list; give a whole number"),
    (
      "method: best",
      "recipe.yaml:1: key 'method': best is not allowed; allowed: exact, a2q+, a2q, unconstrained"
    ),
    (
      "depthwise: unconstrained",
      "recipe.yaml:1: key 'depthwise': unconstrained is not allowed; allowed: exact, a2q+, a2q"
    ),
    (
      "std: [1, 0, 1]",
      "recipe.yaml:1: key 'std': 0.0 is not allowed; allowed: positive numbers"
    ),
    (
      "mean: [a, b]", "recipe.yaml:1: key 'mean': found 'a'; give a number"
    ),
    ("input-scale: .inf", "recipe.yaml:1: key 'input-scale': found '.inf'; give a number"),
    (
      "bias-correction: maybe",
      "recipe.yaml:1: key 'bias-correction': found 'maybe'; give 'on' or 'off'"
    ),
    ("seed: -1", "recipe.yaml:1: key 'seed': -1 is not allowed; allowed: 0 and up"),
    ("threads: 0", "recipe.yaml:1: key 'threads': 0 is not allowed; allowed: 1 to 1024"),
    ("seed: 1\nseed: 2", "recipe.yaml:1: key 'seed': given twice; remove one of the two"),
    ("- a\n- b", "recipe.yaml:1: holds no mapping; write one 'option: value' a line"),
    (
      "layers: 3",
      "recipe.yaml:1: key 'layers': found '3'; give a list of overrides, each with 'match'"
    ),
    (
      "layers:\n  - method: a2q",
      "recipe.yaml:2: key 'layers': an entry has no 'match'; add 'match: ...'"
    ),
    (
      "layers:\n  - match: x\n    weigth-bits: 4",
      "recipe.yaml:3: key 'weigth-bits': not an option; did you mean 'weight-bits'?"
    ),
    (
      "layers:\n  - match: x\n    weight-bits: 1",
      "recipe.yaml:3: key 'weight-bits': 1 is not allowed; allowed: 2 to 8"
    ),
    (
      "layers:\n  - match: x\n    outer-bits: 65",
      "recipe.yaml:3: key 'outer-bits': 65 is not allowed; allowed: 2 to 64"
    ),
    (
      "method: [",
      "recipe.yaml:2: is not valid YAML: did not find expected node content; correct the line"
    ),
  ])
  func `a recipe that can't be used says where and why`(yaml: String, message: String) throws {
    let error = try #require(throws: RecipeFileError.self) { try options(yaml) }
    #expect(error.diagnostic.description == message)
  }

  @Test func `nesting that would exhaust the stack is refused`() throws {
    let yaml = "layers: " + String(repeating: "[", count: 100_000)
    let error = try #require(throws: RecipeFileError.self) { try options(yaml) }
    #expect(error.diagnostic.description.hasPrefix("recipe.yaml:1: is not valid YAML"))
  }

  @Test func `aliases that multiply are refused or ignored in little time`() throws {
    var yaml = "a0: &a0 [x, x]\n"
    for level in 1...40 { yaml += "a\(level): &a\(level) [*a\(level - 1), *a\(level - 1)]\n" }
    #expect(throws: RecipeFileError.self) { try options(yaml) }
  }
}

/// What follows from the tables of settings.
@Suite struct SettingTests {
  private static let candidates = [
    "on", "off", "2", "3", "0.5", "0.25", "cosine", "constant", "steps:3", "flip", "none",
    "0.5,0.25", "int16", "x86-u8s8",
  ]

  @Test func `each setting takes at least two values, and reads what it has written`() throws {
    for setting in ConversionOptions.settings {
      var written: Set<JSONValue> = []
      for text in setting.choices + Self.candidates {
        var options = ConversionOptions()
        guard (try? setting.set(.scalar(text), in: &options)) != nil else { continue }
        guard let json = setting.json(of: options) else { continue }
        written.insert(json)
        var again = ConversionOptions()
        let yaml = JSONValue.object([JSONMember(setting.name, json)]).text()
        try RecipeFile.apply(text: yaml, path: "recipe.yaml", to: &again)
        #expect(setting.json(of: again) == json, "\(setting.name): \(text)")
      }
      #expect(written.count + (setting.isOptional ? 1 : 0) >= 2, "\(setting.name)")
    }
  }

  @Test func `no two settings have one name`() {
    let names = ConversionOptions.settings.map(\.name)
    #expect(Set(names).count == names.count)
  }

  @Test func `an override has the values that its layers give, and the last one wins`() {
    var recipe = Recipe()
    recipe.layers = [
      .init(match: "*") { ($0.weightBits, $0.tileSize) = (5, 8) },
      .init(match: "a*") { ($0.weightBits, $0.quantize) = (6, true) },
    ]
    let merged = recipe.override(for: "ab")
    #expect(merged.weightBits == 6 && merged.tileSize == 8 && merged.quantize == true)
    #expect(recipe.override(for: "b").weightBits == 5 && merged.accumulatorBits == nil)
  }
}
