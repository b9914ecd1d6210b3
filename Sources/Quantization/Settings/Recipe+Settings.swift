import Quantizers

extension Recipe: SettingTable {
  /// What decides a conversion.
  package static var settings: [Setting<Recipe>] { lines.map(\.setting) }

  /// What matters in training alone.
  package static let trainingSettings: [Setting<Recipe>] = [
    Setting(
      "gradient", \.gradient, .choice(), fallback: defaults.gradient,
      "How gradients pass the projection of method exact: as if it were not there, or by its derivative"
    )
  ]

  private static let defaults = Recipe()

  fileprivate static let lines: [Line] = [
    Line(
      "method", \.method, layer: \.method, .choice(), fallback: defaults.method,
      "How weights come to fit the accumulator: exact sums of each sign, zero-centred norm bound, plain norm bound, or not at all"
    ),
    Line(
      "weight-bits", \.weightBits, layer: \.weightBits, .integer(2...8),
      fallback: defaults.weightBits, "Weight bits of the hidden layers", placeholder: "m"),
    Line(
      "activation-bits", \.activationBits, layer: \.activationBits, .integer(1...8),
      fallback: defaults.activationBits, "Input-activation bits of the hidden layers",
      placeholder: "n"),
    Line(
      "accumulator-bits", \.accumulatorBits, layer: \.accumulatorBits, .integer(2...32),
      fallback: defaults.accumulatorBits, "Signed accumulator width of the hidden layers",
      placeholder: "p"),
    Line(
      Setting(
        "io-bits", \.ioBits, .integer(2...8), fallback: defaults.ioBits,
        "Weight and input-activation bits of the first and the last dot-product layer, whose accumulator is held to \(ioAccumulatorBits) bits",
        placeholder: "b")),
    Line(
      Setting(
        "io-layers", \.ioLayers, .ioLayers, fallback: defaults.ioLayers,
        "The layers that --io-bits is for: those that read an input's own values or give an output's, none, or a list of node names, in which * stands for any characters",
        placeholder: "auto|none|names", isOptional: true)),
    Line(
      Setting(
        "activation-products", \.activationProducts, .choice(),
        fallback: defaults.activationProducts,
        "How a product of two activations, as in attention, fits its accumulator: by fewer bits of its operands, or by \(ioAccumulatorBits) bits of its own",
        isOptional: true)),
    Line(
      "bias-bits", \.biasBits, layer: \.biasBits, .integer(BiasFormat.widths),
      "Quantize biases to signed integers of this many bits on the scale of the accumulator, and include them in its bound",
      placeholder: "b",
      defaultText: "biases stay in floating point, outside the accumulator"),
    Line(
      Setting(
        "tile-size", \.tileSize, .integer(1...Int(Int32.max)),
        "Sum each run of this many products, in the weight tensor's order, in a register of --accumulator-bits, and the runs' sums in an outer one",
        placeholder: "t", defaultText: "one register for all products"),
      layer: Setting("tile-size", \.tileSize, .integer(0...Int(Int32.max)), "")),
    Line(
      "outer-bits", \.outerBits, layer: \.outerBits, .integer(2...64),
      "Signed width of the register that adds the runs of --tile-size",
      placeholder: "q", defaultText: "the least that no runs can overflow"),
    Line(
      Setting(
        "init", \.initializer, .choice(), fallback: defaults.initializer,
        "How weights are brought near the constraint first: Euclidean projection, or the norm alone"
      )),
    Line(
      Setting(
        "refine", \.refine, .choice(), fallback: defaults.refine,
        "What is done beyond the method's own initialisation and rounding; 'best' searches scales and integers within the method's constraint, as --scale-search and --rounding say, and corrects the outputs' variance"
      )),
    Line(
      Setting(
        "scale-search", \.scaleSearch, .choice(), fallback: defaults.scaleSearch,
        "With --refine best: whether each channel's scale is searched by the error of its weights or of its output on the calibration samples"
      )),
    Line(
      Setting(
        "rounding", \.rounding, .choice(), fallback: defaults.rounding,
        "With --refine best: round each weight to the nearest integer, or with the errors of those before it made up for on the calibration samples"
      )),
    Line(
      Setting(
        "depthwise", \.depthwiseMethod, .choice(except: [.unconstrained]),
        fallback: defaults.depthwiseMethod, "Method for depthwise layers under a2q+")),
    Line(
      Setting(
        "bias-correction", \.biasCorrection, .onOff, fallback: defaults.biasCorrection,
        "Correct the mean shift of each channel's output",
        defaultText: "on where --data is given")),
    Line(
      Setting(
        "activation-range", \.rangeEstimator, .choice(), fallback: defaults.rangeEstimator,
        "How an activation's clipping range follows from the samples: their 99.999th percentile, the least squared error, or the readers' outputs; auto takes the first with 8 bits and the second with fewer"
      )),
    Line(
      Setting(
        "activation-width", \.activationWidth, .choice(), fallback: defaults.activationWidth,
        "Whether activation quantizers may be up to two bits narrower where the accumulator gains more than they lose; needs --data"
      )),
    Line(
      Setting(
        "reconstruction-steps", \.reconstructionSteps, .integer(0...100_000),
        fallback: defaults.reconstructionSteps,
        "Steps of training each block of the converted model toward the float model's, without labels; needs --data",
        placeholder: "count")),
    Line(
      Setting(
        "equalization", \.equalization, .onOff, fallback: defaults.equalization,
        "Move factors between consecutive layers first, so that their channels become alike")),
    Line(
      Setting(
        "scale-type", \.scaleType, .choice(), fallback: defaults.scaleType,
        "What the scales of weights and activations may be: any number, or powers of two")),
    Line(
      Setting(
        "fold-batch-normalization", \.foldBatchNormalization, .yesNo,
        fallback: defaults.foldBatchNormalization,
        "Fold batch normalisation into the layer before it")),
    Line(
      Setting(
        "input-unsigned", \.inputUnsigned, .yesNo, fallback: defaults.inputUnsigned,
        "Give the graph input an unsigned quantizer")),
    Line(
      Setting(
        "calibration-samples", \.calibrationSamples, .integer(1...Int(Int32.max)),
        fallback: defaults.calibrationSamples, "The most samples that calibration reads",
        placeholder: "count")),
  ]
}

extension Recipe.LayerOverride: SettingTable {
  /// What single layers can have of their own.
  package static let settings: [Setting<Self>] =
    [Setting("quantize", \.quantize, .onOff, "Whether the layer is quantized")]
    + Recipe.lines.compactMap(\.layer)
}

extension Recipe {
  /// A setting of all layers, with that of a single layer where layers can have their own.
  struct Line: Sendable {
    let setting: Setting<Recipe>
    let layer: Setting<LayerOverride>?

    init(_ setting: Setting<Recipe>, layer: Setting<LayerOverride>? = nil) {
      self.setting = setting
      self.layer = layer
    }

    init<Value: Hashable>(
      _ name: String, _ path: WritableKeyPath<Recipe, Value> & Sendable,
      layer: WritableKeyPath<LayerOverride, Value?> & Sendable, _ domain: SettingDomain<Value>,
      fallback: Value, _ summary: String, placeholder: String? = nil
    ) {
      self.init(
        Setting(name, path, domain, fallback: fallback, summary, placeholder: placeholder),
        layer: Setting(name, layer, domain, summary))
    }

    init<Value: Hashable>(
      _ name: String, _ path: WritableKeyPath<Recipe, Value?> & Sendable,
      layer: WritableKeyPath<LayerOverride, Value?> & Sendable, _ domain: SettingDomain<Value>,
      _ summary: String, placeholder: String? = nil, defaultText: String? = nil
    ) {
      self.init(
        Setting(
          name, path, domain, summary, placeholder: placeholder, defaultText: defaultText),
        layer: Setting(name, layer, domain, summary))
    }
  }
}
