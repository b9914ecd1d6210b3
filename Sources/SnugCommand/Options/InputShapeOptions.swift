import ArgumentParser
import Snug

/// Sizes for dimensions that a model leaves open.
struct InputShapeOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The shape of an input that the model leaves open; may be repeated (default: as in the model).",
      valueName: "name=1x3x224x224"))
  var shape: [ShapeText] = []

  @Option(
    help: ArgumentHelp(
      "The size of the inputs' first dimension where the model leaves it open (default: as in the model).",
      valueName: "n"))
  var batch: Int?

  func validate() throws {
    if let batch, batch < 1 { throw ValidationError("--batch is \(batch); allowed: 1 and up") }
  }

  func shapes() throws -> InputShapes { try InputShapes(shape.map(\.text), batch: batch) }
}

/// A shape as it is given.
struct ShapeText: ExpressibleByArgument {
  let text: String

  init(argument: String) { text = argument }
}
