import Datasets
import GraphIR

/// What a model's outputs mean, which decides its metric.
public enum ModelTask: String, Sendable, Hashable, CaseIterable {
  /// Class scores; top-1 and top-5 accuracy in percent, and cross-entropy.
  case classification
  /// Images in, larger images out; PSNR in dB on RGB images in 0...1.
  case superResolution = "super-resolution"
  /// Any real outputs; mean squared error.
  case regression
}

/// How samples on disk become the model's input: x' = (x · inputScale − mean) / std.
public struct Preprocessing: Sendable, Hashable {
  public var normalization = Normalization.identity
  /// `nil` tells the task from the data.
  public var task: ModelTask?
  /// Factor by which super-resolution inputs are smaller than their targets.
  public var upscaleFactor: Int?
  /// Inputs that the samples don't hold, each as `NAME=VALUE`, or as `NAME=FILE` of a tensor.
  public var constants: [String] = []

  public init() {}

  /// What the data must provide for a graph.
  ///
  /// - Parameters:
  ///   - file: the model, named in errors.
  ///   - comparesOutputs: false where only inputs are read, so that labels may be missing.
  func request(for graph: Graph, of file: String, comparesOutputs: Bool) throws(SnugError)
    -> DatasetRequest
  {
    var inputs: [DatasetRequest.Input] = []
    for id in graph.inputs {
      guard let type = graph[id].type else {
        throw .inputWithoutType(file: file, name: graph[id].name)
      }
      inputs.append(DatasetRequest.Input(name: graph[id].name, type: type))
    }
    var request = DatasetRequest(inputs: inputs, normalization: normalization)
    switch task ?? (upscaleFactor == nil ? nil : .superResolution) {
    case .superResolution:
      guard let upscaleFactor else { throw .scaleMissing }
      request.task = .superResolution(scale: upscaleFactor)
    case .classification:
      if comparesOutputs { request.task = .classification }
    case .regression:
      if comparesOutputs { request.task = .regression }
    case nil: break
    }
    if comparesOutputs { request.classCount = Self.classCount(graph) }
    request.constants = try constantInputs()
    return request
  }

  /// ``constants`` by the names of the inputs.
  func constantInputs() throws(SnugError) -> [String: ConstantInput] {
    var result: [String: ConstantInput] = [:]
    for text in constants {
      let (name, constant) = try Self.constant(text)
      result[name] = constant
    }
    return result
  }

  /// The files that ``constants`` name.
  var constantFiles: [String] {
    constants.compactMap { text in
      let value = text.split(separator: "=", maxSplits: 1).last.map(String.init) ?? ""
      return Self.number(value) == nil ? value : nil
    }
  }

  private static func constant(_ text: String) throws(SnugError) -> (String, ConstantInput) {
    let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
    guard parts.count == 2 else {
      throw .dataset(
        .constant(name: text, problem: "is no NAME=VALUE or NAME=FILE; give the input's name first")
      )
    }
    if let number = number(parts[1]) { return (parts[0], .number(number)) }
    return (parts[0], .tensor(try TensorFiles.read(parts[1]).inSinglePrecision))
  }

  private static func number(_ text: String) -> Double? {
    switch text {
    case "true": 1
    case "false": 0
    default: Double(text)
    }
  }

  /// The number of classes where the first output is a row of scores of fixed length.
  private static func classCount(_ graph: Graph) -> Int? {
    guard let output = graph.outputs.first, let dimensions = graph[output].type?.dimensions
    else { return nil }
    let lengths = dimensions.dropFirst().filter { $0.size != 1 }
    return lengths.count == 1 ? lengths.first?.size : nil
  }
}
