import Quantization
import TensorCore
import Training

/// What `convert` calls quantization options.
package enum QuantizationSettings: SettingTable {
  package static let settings: [Setting<ConversionOptions>] =
    Recipe.settings.map { $0.lifted(to: \.recipe) } + [
      Setting(
        "registers", \.recipe.registers, .text { try RegistersFile.registers($0) },
        "The registers of the hardware, all layers held to them: a name of docs/registers.md, or a YAML file; --accumulator-bits with --tile-size and --outer-bits is the short form",
        placeholder: "name|file.yaml", defaultText: "one register of --accumulator-bits"),
      Setting(
        "format", \.format, .choice(), fallback: ExportFormat.qonnx,
        "Dialect of the exported file"),
      Setting(
        "shape", \.shapes, .texts, fallback: [],
        "The shape of an input that the model leaves open, which the written file then fixes; may be repeated",
        placeholder: "name=1x3x224x224", defaultText: "as in the model", isOptional: true),
      Setting(
        "batch", \.batch, .integer(1...65536),
        "The size of the inputs' first dimension where the model leaves it open, as FINN, hls4ml and qonnx need it",
        placeholder: "n", defaultText: "as in the model"),
      Setting(
        "strict", \.isStrict, .yesNo, fallback: false,
        "Write nothing where a dot product can't be held to the width that was asked for",
        isOptional: true),
      Setting(
        "seed", \.seed, .integer(0...Int.max), fallback: 0, "Seed of all random choices",
        placeholder: "number"),
    ]
}

/// What `convert` and `finetune` call training options.
package enum FinetuneSettings: SettingTable {
  package static let settings: [Setting<ConversionOptions>] =
    Recipe.trainingSettings.map { $0.lifted(to: \.recipe) }
    + TrainingSettings.settings.map { $0.lifted(to: \.training) }
}

extension ConversionOptions: SettingTable {
  /// The numbers of threads that can be asked for.
  package static let threadCounts = 1...1024

  /// Everything that a recipe file can set by one value.
  package static let settings: [Setting<ConversionOptions>] =
    QuantizationSettings.settings + [
      Setting("data", \.data, .text { $0 }, "Samples for calibration and training"),
      Setting("validation", \.validation, .text { $0 }, "Held-out samples"),
    ] + Preprocessing.settings.map { $0.lifted(to: \.preprocessing) } + FinetuneSettings.settings
    + [Setting("threads", \.threads, .integer(threadCounts), "Threads to compute with")]

  /// What decides the result, with the keys of a recipe file; paths and threads are not part of it.
  ///
  /// JSON is YAML, so the text is a recipe that repeats the conversion.
  public var recipeJSON: JSONValue {
    var members =
      QuantizationSettings.settings.members(of: self)
      + Preprocessing.settings.members(of: preprocessing)
    if training.epochs > 0 { members += FinetuneSettings.settings.members(of: self) }
    if !recipe.layers.isEmpty {
      let layers = recipe.layers.map { layer in
        JSONValue.object(
          [JSONMember("match", .string(layer.match))]
            + Recipe.LayerOverride.settings.members(of: layer))
      }
      members.append(JSONMember("layers", .array(layers)))
    }
    return .object(members)
  }
}

extension Preprocessing: SettingTable {
  /// How samples on disk become the model's input.
  package static let settings: [Setting<Preprocessing>] = [
    Setting(
      "mean", \.normalization.mean, .numbers(), fallback: [],
      "Mean of each channel, in x' = (x * input-scale - mean) / std; one value for all channels, or one each",
      placeholder: "list", defaultText: "0", isOptional: true),
    Setting(
      "std", \.normalization.std, .numbers(.positive), fallback: [],
      "Standard deviation of each channel; one value for all channels, or one each",
      placeholder: "list", defaultText: "1", isOptional: true),
    Setting(
      "input-scale", \.normalization.inputScale, .number(.nonzero), fallback: 1,
      "Factor on the stored values, such as 0.00392157 for bytes to 0...1", placeholder: "factor",
      isOptional: true),
    Setting(
      "task", \.task, .choice(), "What the outputs mean",
      defaultText: "told from the data where it is plain"),
    Setting(
      "scale", \.upscaleFactor, .integer(1...16),
      "For super-resolution: how many times the output is larger than the input",
      placeholder: "factor"),
    Setting(
      "constant", \.constants, .texts, fallback: [],
      "An input that the samples don't hold, and what it is given at every run: a number for all its elements, or a .npy or .pb file; may be repeated",
      placeholder: "name=value|file", defaultText: "every input is in the samples",
      isOptional: true),
  ]
}
