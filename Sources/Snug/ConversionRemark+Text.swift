import Quantization
import Reporting
import TensorCore

extension Conversion.Remark {
  /// Names that are given; all are in the JSON.
  private static let namesInLine = 3

  /// What it means for the user, in a sentence or two.
  var text: String {
    let count = layers.count
    let subject = count == 1 ? "1 layer" : "\(count) layers"
    let others = count - Self.namesInLine
    let names =
      TextStyle().quoting(layers.prefix(Self.namesInLine).map(\.printable).joined(separator: ", "))
      + (others > 0 ? " and \(others) more" : "")
    switch self {
    case .sharedWeights:
      return
        "\(subject) share their weights with others (\(names)): their integers are the nearest to the weights, not those "
        + "that give the outputs the least error, and the variance of their outputs isn't corrected"
    case .centred:
      return
        "a2q+ centres the weights of \(subject) (\(names)), which changes what they compute; only training (--epochs) makes "
        + "up for it, or --method exact, which centres nothing"
    case .publishedRounding:
      return
        "the weights of \(subject) (\(names)) are rounded toward zero at the scale of the largest one, the start of a "
        + "training in the method's paper; without --epochs, --refine best loses less"
    case .fewSamples(let count):
      return
        "\(count == 1 ? "1 calibration sample is" : "\(count) calibration samples are") few: from "
        + "\(Conversion.enoughSamples) on results are better, if they differ as much as what the model will see"
    case .decided(let inputs):
      return
        "the written file doesn't read \(inputs.map { "'\($0.printable)'" }.joined(separator: ", ")): it holds what the "
        + "model does with the given constant alone"
    }
  }

  private var kind: String {
    switch self {
    case .sharedWeights: "shared_weights"
    case .centred: "centred"
    case .publishedRounding: "published_rounding"
    case .fewSamples: "few_samples"
    case .decided: "decided"
    }
  }

  var json: JSONValue {
    [
      "kind": .string(kind), "layers": .array(layers.map { .string($0) }),
      "text": .string(text),
    ]
  }
}
