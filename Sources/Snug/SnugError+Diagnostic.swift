import Datasets
import Execution
import OnnxFormat
import Passes
import Quantization
import Reporting
import TensorCore
import Training

extension SnugError {
  /// The failure as users read it, on one line.
  public var diagnostic: Diagnostic {
    switch self {
    case .recipe(let error): error.diagnostic
    case .format(let error):
      Diagnostic(error.isOutput ? .output : .model, "\(error)", hint: error.problem.hint)
    case .graph(let file, let error):
      Diagnostic(.model, file: file, "\(error)", hint: "export the model again")
    case .dataset(let error): Diagnostic(error.isOutput ? .output : .data, "\(error)")
    case .execution(let file, let error):
      Diagnostic(.execution, file: file, "\(error)", hint: error.hint)
    case .conversion(
      let file, .pass(.failed(_, _, .inexpressible(let node, let type, let format, let reason)))):
      Diagnostic(
        .conversion, file: file,
        "\(PassError.inexpressible(node: node, type: type, format: format, reason: reason))",
        hint: "or export it with another --format")
    case .conversion(let file, .pass(.failed(let pass, let after, let error))):
      Diagnostic(
        .conversion, file: file, "\(error)", hint: "export the model again",
        causes: [Diagnostic(.conversion, "found by pass \(pass)\(Self.list(after))")])
    case .conversion(let file, let error):
      Diagnostic(.conversion, file: file, "\(error)", hint: error.hint)
    case .training(let file, let error): error.diagnostic(file: file)
    case .file(let error):
      Diagnostic(error.operation == .write ? .output : .data, "\(error)")
    case .unknownInput(let file, let name, let available):
      Diagnostic(
        .execution, file: file, subject: "input '\(name)'", "the model has no such input",
        hint: Self.inputs(available))
    case .missingInput(let file, let name, let available):
      Diagnostic(
        .execution, file: file, subject: "input '\(name)'", "no tensor is given for it",
        hint: Self.inputs(available))
    case .inputWithoutType(let file, let name):
      Diagnostic(
        .model, file: file, subject: "input '\(name)'", "its type is missing",
        hint: "export the model again with typed inputs")
    case .interrupted: Diagnostic(.interruption, "interrupted; nothing is written")
    case .noOutput(let file):
      Diagnostic(
        .model, file: file, "the graph has no output", hint: "export the model again")
    case .paths(let conflict):
      Diagnostic(
        .paths, conflict.description,
        hint: "name another place, since what is there could be lost")
    case .specialOutput(let option, let path, let reason):
      Diagnostic(.output, "cannot write '\(path)': \(reason)", hint: "name a file with \(option)")
    case .outputNames(let first, let second, let file):
      Diagnostic(
        .execution, "outputs '\(first)' and '\(second)' would both be written to '\(file)'",
        hint: "rename one in the model")
    case .inputShape(let file, let error):
      Diagnostic(
        .options, file: file, "\(error)", hint: "give a shape that the model's inputs can have")
    case .operatorName(let text):
      Diagnostic(
        .options, "--assume-no-layers-in is '\(text)'", hint: "give DOMAIN:TYPE of an operator")
    case .shapeText(let text):
      Diagnostic(
        .options, "--shape is '\(text)'",
        hint: "give NAME=1x3x224x224, with all of the input's sizes")
    case .trainingWithoutData:
      Diagnostic(.options, "training needs samples", hint: "give --data, or --epochs 0")
    case .reconstructionWithoutData:
      Diagnostic(
        .options, "block-wise reconstruction needs samples",
        hint: "give --data, or --reconstruction-steps 0")
    case .comparisonWithoutData:
      Diagnostic(
        .options, "--report needs samples to run both models on",
        hint: "give --data or --validation")
    case .sweepWithoutData:
      Diagnostic(
        .options, "a sweep needs samples to calibrate and measure on", hint: "give --data")
    case .sweepWithoutValidation:
      Diagnostic(
        .options, "a sweep with training would measure on what was trained on",
        hint: "give --validation")
    case .sweepInUse(let folder, let process):
      Diagnostic(
        .output, file: folder,
        "another sweep writes to it\(process.map { " (process \($0))" } ?? "")",
        hint: "wait for its end, or name another folder with --output")
    case .sweepState(let file, let problem):
      Diagnostic(
        .data, file: file, problem, hint: "remove it, or name another folder with --output")
    case .otherSweep(let folder, let key):
      Diagnostic(
        .options, file: folder, "it holds a sweep with another '\(key)'",
        hint: "name another folder with --output, or remove this one to begin anew")
    case .choiceWithoutData:
      Diagnostic(
        .options, "--max-loss needs samples to calibrate and measure on", hint: "give --data")
    case .choiceWithoutSamples(let data):
      Diagnostic(
        .data, file: data, "losses are measured on two samples at least",
        hint: "give more samples with --validation or --data")
    case .choiceBeside(let option):
      Diagnostic(
        .options, "--max-loss and \(option) don't go together",
        hint: "leave one of them out; the recipe that --max-loss writes can be used with others")
    case .choiceInUse(let output, let process):
      Diagnostic(
        .output, file: output,
        "another process chooses widths for it\(process.map { " (process \($0))" } ?? "")",
        hint: "wait for its end, or name another file with --output")
    case .choiceWithoutLayers(let file):
      Diagnostic(
        .conversion, file: file, "no layer has widths that --max-loss could choose",
        hint:
          "the first and the last layers keep --io-bits unless --io-layers says otherwise, and layers with overrides theirs"
      )
    case .choiceWithoutCost(let file, let layer, let cost):
      Diagnostic(
        .conversion, file: file, "\(layer): what it costs in '\(cost)' isn't known",
        hint:
          "give the model's shapes with --shape, a table with rows of wider bits, or another --minimize"
      )
    case .choiceWithoutNoise(let file, let layer):
      Diagnostic(
        .conversion, file: file, "\(layer): what it loses can't be measured",
        hint: "give it widths of its own under 'layers' in a recipe file")
    case .choiceLossTooSmall(let file, let asked, let least, let unit, let widest):
      Diagnostic(
        .conversion, file: file,
        "no widths up to \(widest) lose \(asked) \(unit) or less; the least loss is \((least * 1000).rounded() / 1000)",
        hint:
          "allow more with --max-loss, or wider bits with --weight-bits, --activation-bits and --accumulator-bits"
      )
    case .unknownLayer(let file, let name, let suggestion):
      Diagnostic(
        .options, file: file, "no dot product is called '\(name)'",
        hint: suggestion.map { "did you mean '\($0)'?" } ?? "'snug inspect' lists all")
    case .nothingToCompare(let reference, let model):
      Diagnostic(
        .model, file: model, "no dot product has the name of one in '\(reference)'",
        hint: "give the model that it was made from")
    case .trainingBatch(let file, let fixed, let given):
      Diagnostic(
        .options, file: file, "its batch is \(fixed), the training's \(given)",
        hint: "give --batch-size \(fixed), or export the model with an open batch")
    case .accumulatorsNotEmulated(let file, let node, let reason):
      Diagnostic(
        .execution, file: file, subject: node.map { "node '\($0)'" }, reason,
        hint: "evaluate it without --accumulator-bits")
    case .registersWithWidth(let name):
      Diagnostic(
        .options, "--registers \(name) gives the width", hint: "leave --accumulator-bits out")
    case .registers(let text, let reason):
      Diagnostic(
        .recipe, file: text, reason, hint: "docs/registers.md says what --registers takes")
    case .certificate(let file, let fault):
      switch fault {
      case .malformed(let error):
        Diagnostic(
          .model, file: file, "\(error)", hint: "write it with 'snug verify --certificate'")
      case .otherSchema:
        Diagnostic(
          .model, file: file, subject: "field 'schema'", "it is not \(Certificate.schema)",
          hint: "write the certificate with this version's 'snug verify --certificate'")
      case .conditions:
        Diagnostic(
          .model, file: file, subject: "field 'conditions'", "it is missing or invalid",
          hint: "write it with 'snug verify --certificate'")
      }
    case .notQuantized(let file):
      Diagnostic(
        .model, file: file, "it holds no quantizers", hint: "quantize it with 'snug convert'")
    case .inexpressible(let feature):
      Diagnostic(
        .options, "\(feature.title) are written in QONNX alone",
        hint: "give --format \(feature.formats.map(\.rawValue).joined(separator: " or "))")
    case .tilesReordered(let file, let layer, let overflow, let channelsLast):
      Diagnostic(
        .model, file: file, subject: "layer '\(layer)'",
        "tiles are cut in the order of the weights, and in channels-\(channelsLast ? "last" : "first") order "
          + overflow,
        hint: channelsLast
          ? "export with channels first, or convert without --tile-size"
          : "export with --channels-last, or convert without --tile-size")
    case .notCertified(let output, let layers):
      Diagnostic(
        .verification, file: output,
        "not written, since \(layers.count == 1 ? "this layer is" : "these \(layers.count) layers are") not "
          + "certified: \(Self.list(layers.map { ($0.name, $0.reason) }))",
        hint: "choose a wider accumulator, another format, or leave the layers out")
    case .notHeld(let output, let layers):
      Diagnostic(
        .verification, file: output,
        "not written, since --strict is given and "
          + "\(layers.count == 1 ? "this dot product is" : "these \(layers.count) dot products are") not "
          + "held to the width that was asked for: \(Self.list(layers.map { ($0.name, $0.reason) }))",
        hint: "do as the reasons say, or leave --strict out")
    case .contradictoryOutput(let output, let finding):
      Diagnostic(
        .verification, file: output, "not written, since \(finding)",
        hint: "remove the statement from the model that it comes from")
    case .scaleMissing:
      Diagnostic(
        .options, "super-resolution needs the factor between input and output",
        hint: "give --scale")
    }
  }

  private static func list(_ passes: [String]) -> String {
    passes.isEmpty ? "" : ", after \(passes.joined(separator: ", "))"
  }

  private static func list(_ layers: [(name: String, reason: String)]) -> String {
    let list = layers.prefix(8).map { TextStyle().quoting("'\($0.name)' (\($0.reason))") }
      .joined(separator: ", ")
    return layers.count > 8 ? "\(list) and \(layers.count - 8) more" : list
  }

  private static func inputs(_ names: [String]) -> String {
    guard !names.isEmpty else { return "the model takes none" }
    let list = names.prefix(8).map { "'\($0)'" }.joined(separator: ", ")
    return "the model takes \(list)\(names.count > 8 ? " and \(names.count - 8) more" : "")"
  }
}

extension FormatProblem {
  /// What to do where the description doesn't say it.
  fileprivate var hint: String? {
    switch self {
    case .missingField, .graph, .attribute, .valueCount: "export the model again"
    case .tensor(_, .external): nil
    case .tensor: "export the model again"
    default: nil
    }
  }
}

extension ExecutionError {
  /// What to do about a model that can't be executed.
  fileprivate var hint: String? {
    switch self {
    case .graph, .notComputable, .notFloat: "export the model again"
    case .unsupported, .shapeDependsOnData: "replace the operator in the model"
    case .node: "give inputs of the shapes that the model was made for, or export it again"
    case .engine(_, .memory): "use smaller inputs or batches"
    case .engine: nil
    case .quantizer: "use a lower learning rate"
    case .missingInput: "give a tensor for it"
    case .inputType: "convert the input"
    }
  }
}

extension ConversionError {
  /// What to do about a model that can't be converted.
  fileprivate var hint: String? {
    switch self {
    case .recipe, .recurrent, .calibrationData: nil
    case .graph, .pass: "export the model again"
    case .execution(let error): error.hint
    case .quantizer: "export the model again, or leave the layer out by 'layers' in a recipe"
    case .alreadyQuantized: "'snug inspect' and 'snug verify' read it as it is"
    case .nothingToQuantize(0): "'snug inspect' lists its dot products"
    case .nothingToQuantize: "change 'layers' in the recipe"
    case .needsCalibration: "give samples with --data"
    case .emptyCalibration, .batchSize: "give more samples with --data"
    case .activations: "check the samples of --data and their normalisation"
    }
  }
}

extension TrainingError {
  /// The failure as users read it; those of model and data are worded as everywhere.
  fileprivate func diagnostic(file: String) -> Diagnostic {
    switch self {
    case .conversion(let error): SnugError.conversion(file: file, error).diagnostic
    case .execution(let error): SnugError.execution(file: file, error).diagnostic
    case .dataset(let error): SnugError.dataset(error).diagnostic
    case .validation(let error as SnugError): error.diagnostic
    case .checkpoint(let error): Diagnostic(error.isOutput ? .output : .training, "\(self)")
    case .log(let error): Diagnostic(error.isOutput ? .output : .training, "\(self)")
    case .plot: Diagnostic(.output, "\(self)")
    case .interrupted: Diagnostic(.interruption, "\(self)")
    case .optimizer, .loss, .diverged, .noReference, .tooFewSamples, .validation:
      Diagnostic(.training, file: file, "\(self)")
    }
  }
}

extension DatasetError {
  /// True where an output can't be written, false where an input can't be used.
  fileprivate var isOutput: Bool {
    if case .file(let error) = self { error.operation == .write } else { false }
  }
}

extension PathConflict: CustomStringConvertible {
  public var description: String {
    let relation =
      switch relation {
      case .same: "is the same file as"
      case .contains: "contains"
      case .inside: "lies in"
      case .linked: "is what a link leads to in"
      }
    return "\(option) '\(path)' \(relation) \(otherOption) '\(otherPath)'"
  }
}

extension SpecialOutput: CustomStringConvertible {
  public var description: String {
    switch self {
    case .model: "a model is read again to certify it, which a device or pipe does not allow"
    case .redirected: "it is a file that other output goes to"
    }
  }
}

extension SnugError: CustomStringConvertible {
  public var description: String { diagnostic.description }
}
