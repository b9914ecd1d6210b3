import GraphIR
import Operators
import Passes

/// A float model as passes leave it, before anything is decided about its layers.
struct PreparedModel: Sendable {
  var float: Model
  /// What the passes changed.
  var edits: [PassReport]

  /// - Throws: ``ConversionError`` for a model that is quantized already, or that passes can't bring into shape.
  init(_ model: Model, _ recipe: Recipe) throws(ConversionError) {
    float = model
    edits = try Self.prepare(&float.graph, recipe, opset: float.opset)
  }

  private static func prepare(_ graph: inout Graph, _ recipe: Recipe, opset: Int)
    throws(ConversionError) -> [PassReport]
  {
    for id in graph.nodeIDs {
      let node = graph[id]
      if IntegerOperators.contains(node.op) {
        throw .alreadyQuantized(node: node.name, type: node.op.type)
      }
    }
    do {
      var edits = try Pipeline.importCanonical.run(&graph)
      edits += try Pipeline.unrolling(opset: opset).run(&graph)
      if recipe.foldBatchNormalization {
        edits += try Pipeline.foldForQuantization.run(&graph)
      }
      return edits
    } catch {
      throw .pass(error)
    }
  }
}

/// The first stage of a conversion: the float model as passes leave it, and where its quantizers go.
struct PlacedModel {
  var float: Model
  var placement: Placement
  /// What the passes changed.
  var edits: [PassReport]

  /// - Parameter createsBiases: whether biases that count in an accumulator are made where layers have none.
  /// - Throws: ``ConversionError`` for a model that has no layer to quantize.
  init(_ prepared: PreparedModel, _ recipe: Recipe, createsBiases: Bool) throws(ConversionError) {
    float = prepared.float
    edits = prepared.edits
    do {
      if createsBiases { try LayerBias.createMissing(in: &float.graph, recipe) }
      placement = try QuantizerPlacement(graph: float.graph, recipe: recipe).place()
    } catch { throw .graph(error) }
    if placement.layers.isEmpty {
      let obstacles = RecurrentUnrolling.obstacles(in: float.graph, opset: float.opset)
      if let first = obstacles.min(by: { $0.key < $1.key }) {
        throw .recurrent(node: first.key, first.value)
      }
      throw .nothingToQuantize(excluded: placement.excluded.count)
    }
  }
}

extension Model {
  /// The opset of the standard domain that nodes are written in; that of the project's own files where none is stated.
  var opset: Int { opset(of: "") ?? 13 }
}
