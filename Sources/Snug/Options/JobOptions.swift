import Quantization
import TensorCore
import Training

/// The options of each job as a caller gives them in one text, JSON or YAML: the keys are the long options of the command.
package enum JobOptions {
  /// The settings of a job, for those who describe or check them.
  package enum Job: String, Sendable, CaseIterable {
    case convert, finetune, sweep, verify, export, evaluate
  }

  /// What errors call a text of options.
  private static let name = "options"

  /// - Parameter epochs: where the text doesn't say how many.
  package static func conversion(_ text: String, epochs: Int) throws(SnugError) -> ChoiceOptions {
    var options = ChoiceOptions()
    options.conversion = ConversionOptions(epochs: epochs)
    try apply(text, conversionSettings, layers: \.conversion.recipe.layers, to: &options)
    return options
  }

  package static func sweep(_ text: String) throws(SnugError) -> SweepOptions {
    var options = SweepOptions()
    try apply(text, sweepSettings, layers: \.conversion.recipe.layers, to: &options)
    return options
  }

  package static func verification(_ text: String) throws(SnugError) -> VerificationOptions {
    var options = VerificationOptions()
    try apply(text, VerificationOptions.settings, to: &options)
    return options
  }

  package static func export(_ text: String) throws(SnugError) -> ExportRequest {
    var options = ExportRequest()
    try apply(text, ExportRequest.settings, to: &options)
    return options
  }

  package static func shapes(_ text: String) throws(SnugError) -> InputShapeTexts {
    var options = InputShapeTexts()
    try apply(text, InputShapeTexts.settings, to: &options)
    return options
  }

  /// An evaluation, and the data that the text names, if any.
  package static func evaluation(_ text: String) throws(SnugError) -> EvaluationRequest {
    var options = EvaluationRequest()
    try apply(text, EvaluationRequest.settings, to: &options)
    return options
  }

  /// The settings of a job as JSON, one object each.
  package static func settings(of job: Job) -> JSONValue {
    switch job {
    case .convert, .finetune: .array(conversionSettings.map(\.description))
    case .sweep: .array(sweepSettings.map(\.description))
    case .verify: .array(VerificationOptions.settings.map(\.description))
    case .export: .array(ExportRequest.settings.map(\.description))
    case .evaluate: .array(EvaluationRequest.settings.map(\.description))
    }
  }

  private static let conversionSettings =
    ConversionOptions.settings.map { $0.lifted(to: \ChoiceOptions.conversion) }
    + ChoiceSettings.settings

  private static let sweepSettings: [Setting<SweepOptions>] = {
    let own = Set(SweepSettings.settings.map(\.name))
    return SweepSettings.settings
      + ConversionOptions.settings.filter { !own.contains($0.name) }
      .map { $0.lifted(to: \SweepOptions.conversion) }
  }()

  private static func apply<Root>(
    _ text: String, _ settings: [Setting<Root>],
    layers: WritableKeyPath<Root, [Recipe.LayerOverride]>? = nil, to root: inout Root
  ) throws(SnugError) {
    do {
      try RecipeFile.apply(text: text, path: name, settings, layers: layers, to: &root)
    } catch {
      throw .recipe(error)
    }
  }
}

/// What a caller says of an evaluation in one text.
package struct EvaluationRequest: SettingTable {
  package var options = EvaluationOptions()
  package var data: String?

  package static let settings: [Setting<EvaluationRequest>] =
    EvaluationOptions.settings.map { $0.lifted(to: \.options) }
    + Preprocessing.settings.map { $0.lifted(to: \.options.preprocessing) } + [
      Setting("data", \.data, .text { $0 }, "Samples with labels or targets")
    ]
}

extension Setting {
  /// What a user has to know of it.
  fileprivate var description: JSONValue {
    var members = [JSONMember("name", .string(name)), JSONMember("summary", .string(summary))]
    members.append(
      JSONMember("kind", .string(isSwitch ? "switch" : isRepeated ? "list" : "value")))
    if !choices.isEmpty {
      members.append(JSONMember("values", .array(choices.map { .string($0) })))
    }
    if let range { members.append(JSONMember("range", .string(range))) }
    if let defaultText { members.append(JSONMember("default", .string(defaultText))) }
    return .object(members)
  }
}
