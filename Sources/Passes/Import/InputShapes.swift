import GraphIR
import TensorCore

/// Sizes for dimensions that a model leaves open.
///
/// A symbolic dimension that an input names gets the same size wherever the graph has that symbol, and what follows is
/// left to ``ShapeInference``.
public struct InputShapes: Sendable, Hashable {
  /// The whole shapes of inputs, by name.
  public var shapes: [String: [Int]]
  /// The size of the first dimension of every input that leaves it open; `nil` leaves them open.
  public var batch: Int?

  public init(shapes: [String: [Int]] = [:], batch: Int? = nil) {
    self.shapes = shapes
    self.batch = batch
  }

  public var isEmpty: Bool { shapes.isEmpty && batch == nil }

  /// - Throws: ``InputShapeError`` where an input doesn't exist or can't have the shape.
  package func fix(_ graph: inout Graph) throws(InputShapeError) {
    if isEmpty { return }
    var sizes: [String: Int] = [:]
    var types: [ValueID: TensorType] = [:]
    for name in shapes.keys.sorted() {
      guard let shape = shapes[name],
        let input = graph.inputs.first(where: { graph[$0].name == name })
      else { throw .unknownInput(name: name, available: graph.inputs.map { graph[$0].name }) }
      guard var type = graph[input].type else { continue }
      let dimensions = type.dimensions ?? shape.map { _ in .unknown }
      guard dimensions.count == shape.count,
        zip(dimensions, shape).allSatisfy({ $0.size == nil || $0.size == $1 })
      else { throw .mismatch(name: name, stated: "\(type)", given: shape) }
      try note(dimensions, shape, of: name, in: &sizes)
      type.dimensions = shape.map(Dimension.fixed)
      types[input] = type
    }
    if let batch {
      for input in graph.inputs where types[input] == nil {
        guard var type = graph[input].type, let first = type.dimensions?.first, first.size == nil
        else { continue }
        try note([first], [batch], of: graph[input].name, in: &sizes)
        type.dimensions?[0] = .fixed(batch)
        types[input] = type
      }
      guard !types.isEmpty else { throw .noOpenBatch }
    }
    for (input, type) in types { graph[input].type = type }
    for value in graph.valueIDs {
      guard var type = graph[value].type, let dimensions = type.dimensions else { continue }
      type.dimensions = dimensions.map { dimension in
        if case .symbolic(let symbol) = dimension, let size = sizes[symbol] {
          .fixed(size)
        } else {
          dimension
        }
      }
      graph[value].type = type
    }
  }

  private func note(
    _ dimensions: [Dimension], _ shape: [Int], of name: String, in sizes: inout [String: Int]
  ) throws(InputShapeError) {
    for case (.symbolic(let symbol), let size) in zip(dimensions, shape) {
      if let other = sizes.updateValue(size, forKey: symbol), other != size {
        throw .contradiction(name: name, symbol: symbol, sizes: [other, size])
      }
    }
  }
}

/// Why an input can't have a shape.
public enum InputShapeError: Error, Sendable, Hashable {
  case unknownInput(name: String, available: [String])
  /// The model fixes the rank or a dimension otherwise.
  case mismatch(name: String, stated: String, given: [Int])
  /// One symbol would have two sizes.
  case contradiction(name: String, symbol: String, sizes: [Int])
  /// Every input has a first dimension of its own.
  case noOpenBatch
}

extension InputShapeError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .unknownInput(let name, let available):
      "the model has no input '\(name)'; it takes "
        + available.map { "'\($0)'" }.joined(separator: ", ")
    case .mismatch(let name, let stated, let given):
      "input '\(name)' is \(stated) in the model, which \(given.map(String.init).joined(separator: "x")) doesn't fit"
    case .contradiction(let name, let symbol, let sizes):
      "dimension '\(symbol)' would be \(sizes[0]) and, in input '\(name)', \(sizes[1])"
    case .noOpenBatch: "no input of the model leaves its first dimension open"
    }
  }
}
