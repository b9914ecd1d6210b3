import GraphIR
import Passes

extension ModelFile {
  /// The model for a conversion: with the sizes that the options fix, and without the branches that the inputs which are
  /// the same at every run never take.
  ///
  /// - Returns: the names of these inputs too, which the model doesn't read any more.
  /// - Throws: ``SnugError`` where the model can't be read, or doesn't have the shapes or constants.
  func specialized(_ options: ConversionOptions) throws(SnugError) -> (
    model: Model, deciding: [String]
  ) {
    var model = try fixing(
      InputShapes(options.shapes, batch: options.batch), in: try load())
    let constants = try options.preprocessing.constantInputs()
    if constants.isEmpty { return (model, []) }
    let deciding = DecidingInputs.fix(&model.graph) { graph, input in
      // A number fills a shape; where that is open, it isn't known what a condition would read.
      guard let type = graph[input].type, type.shape != nil else { return nil }
      return constants[graph[input].name]?.tensor(as: type)
    }
    return (model, deciding)
  }
}
