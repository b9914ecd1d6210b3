import ArgumentParser
import Snug

struct RunCommand: Subcommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Execute a model on given inputs.",
    discussion: """
      Writes each graph output to NAME.npy in the output folder; '/' and ':' in a name become '_'. \
      Inputs are NumPy arrays or serialized TensorProto files (.pb), as the model takes them.

      Example:
        snug run model.onnx --input image=cat.npy --output-dir results/
      """)

  static let computesLong = false

  @Argument(help: ArgumentHelp("The ONNX model.", valueName: "model.onnx"))
  var model: String

  @Option(
    help: ArgumentHelp(
      "An input's name and its file, .npy or .pb; once for each graph input.",
      valueName: "name=file"))
  var input: [InputBinding] = []

  @Option(
    help: ArgumentHelp("Folder for the outputs; made where it is missing.", valueName: "dir"))
  var outputDir: OutputFolderPath

  @OptionGroup
  var inputShapes: SettingOptions<InputShapeTexts>

  @OptionGroup(title: "Common options")
  var common: CommonOptions

  func validate() throws {
    try inputShapes.check(in: InputShapeTexts())
    let names = input.map(\.name)
    if let twice = names.first(where: { name in names.count { $0 == name } > 1 }) {
      throw ValidationError("--input gives '\(twice)' twice")
    }
  }

  func execute(_ context: CommandContext) throws {
    var tensors: [String: Tensor] = [:]
    for binding in input { tensors[binding.name] = try TensorFiles.read(binding.path) }
    var shapes = InputShapeTexts()
    try inputShapes.apply(to: &shapes)
    let start = ContinuousClock.now
    let outputs = try ModelFile(model).run(tensors, shapes.inputShapes())
    let seconds = (ContinuousClock.now - start).inSeconds
    let paths = try TensorFiles.write(outputs, to: outputDir.path, besides: context.paths)
    try context.print(
      RunReport(outputs: outputs, paths: paths, seconds: seconds), json: common.json)
  }
}

/// What `run` has written.
private struct RunReport: PrintableReport {
  var outputs: [(name: String, tensor: Tensor)]
  var paths: [String]
  var seconds: Double

  var json: JSONValue {
    let entries = zip(outputs, paths).map { output, path -> JSONValue in
      [
        "name": .string(output.name), "file": .string(path),
        "element_type": .string(output.tensor.elementType.onnxName),
        "shape": JSONValue(output.tensor.shape.map { JSONValue($0) }),
      ]
    }
    return ["outputs": .array(entries), "seconds": .number(seconds)]
  }

  func text(style: TextStyle) -> String {
    zip(outputs, paths)
      .map { "\($0.name.printable): \($0.tensor.type) in \($1.printable)" }
      .joined(separator: "\n")
  }
}
