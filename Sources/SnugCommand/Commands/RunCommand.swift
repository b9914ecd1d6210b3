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

  /// `NAME=FILE` of one graph input.
  struct Binding: ExpressibleByArgument {
    let name: String
    let file: String

    init?(argument: String) {
      guard let separator = argument.firstIndex(of: "=") else { return nil }
      name = String(argument[..<separator])
      file = String(argument[argument.index(after: separator)...])
      guard !name.isEmpty, !file.isEmpty else { return nil }
    }
  }

  @Argument(help: ArgumentHelp("The ONNX model.", valueName: "model.onnx"))
  var model: String

  @Option(
    help: ArgumentHelp(
      "An input's name and its file, .npy or .pb; once for each graph input.",
      valueName: "name=file"))
  var input: [Binding] = []

  @Option(
    help: ArgumentHelp("Folder for the outputs; made where it is missing.", valueName: "dir"))
  var outputDir: String

  @OptionGroup(title: "Common options")
  var common: CommonOptions

  func validate() throws {
    let names = input.map(\.name)
    if let twice = names.first(where: { name in names.count { $0 == name } > 1 }) {
      throw ValidationError("--input gives '\(twice)' twice")
    }
  }

  func execute(_ context: CommandContext) throws {
    var tensors: [String: Tensor] = [:]
    for binding in input { tensors[binding.name] = try TensorFiles.read(binding.file) }
    let start = ContinuousClock.now
    let outputs = try ModelFile(model).run(tensors)
    let seconds = (ContinuousClock.now - start).inSeconds
    let paths = try TensorFiles.write(outputs, to: outputDir)
    if common.json {
      let entries = zip(outputs, paths).map { output, path -> JSONValue in
        [
          "name": .string(output.name), "file": .string(path),
          "element_type": .string(output.tensor.elementType.onnxName),
          "shape": JSONValue(output.tensor.shape.map { JSONValue($0) }),
        ]
      }
      let document: JSONValue = ["outputs": .array(entries), "seconds": .number(seconds)]
      try context.print(document.text())
    } else {
      let lines = zip(outputs, paths).map { "\($0.name): \($0.tensor.type) in \($1)" }
      try context.print(lines.joined(separator: "\n"))
    }
  }
}
