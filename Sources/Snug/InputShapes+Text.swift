import GraphIR
import Passes

/// Sizes for dimensions that a model leaves open.
public typealias InputShapes = Passes.InputShapes

extension InputShapes {
  /// - Parameters:
  ///   - texts: each `NAME=1x3x224x224`.
  ///   - batch: the size of first dimensions that are open.
  /// - Throws: ``SnugError/shapeText(_:)`` for another text.
  public init(_ texts: [String], batch: Int?) throws(SnugError) {
    self.init(batch: batch)
    for text in texts {
      guard let equals = text.lastIndex(of: "="), equals > text.startIndex else {
        throw .shapeText(text)
      }
      let sizes = text[text.index(after: equals)...].split(
        separator: "x", omittingEmptySubsequences: false
      ).map { Int($0) }
      let shape = sizes.compactMap { $0 }.filter { $0 >= 0 }
      guard shape.count == sizes.count else { throw .shapeText(text) }
      shapes[String(text[..<equals])] = shape
    }
  }
}

extension ModelFile {
  /// The model with the sizes that `shapes` gives, and what follows from them.
  ///
  /// - Throws: ``SnugError/inputShape(file:_:)`` where an input can't have its shape.
  func fixing(_ shapes: InputShapes, in model: Model) throws(SnugError) -> Model {
    if shapes.isEmpty { return model }
    var model = model
    do throws(InputShapeError) { try shapes.fix(&model.graph) } catch {
      throw .inputShape(file: path, error)
    }
    do throws(PassError) { _ = try ShapeInference().run(&model.graph) } catch {
      throw .conversion(file: path, .pass(error))
    }
    return model
  }
}
