import GraphIR
import Operators
import TensorCore

/// The operands of a recurrent node, in the order of ONNX LSTM: X, W, R, B, sequence_lens, initial_h, initial_c, P.
struct RecurrentOperands {
  let node: Node
  let op: any RecurrentOperator

  init(_ node: Node, _ op: any RecurrentOperator) {
    self.node = node
    self.op = op
  }

  func value(_ position: Int) -> ValueID? {
    position < node.inputs.count ? node.inputs[position] : nil
  }

  var directions: Int { op.settings.direction.reversals.count }

  /// The size of the state, by the weight R.
  func hidden(in graph: Graph) -> Int? {
    guard let shape = value(2).flatMap({ graph[$0].constant?.shape }), shape.count == 3 else {
      return nil
    }
    return shape[2]
  }

  /// Whether all weights are constants, of shapes that fit each other.
  ///
  /// - Parameter input: the size of X; `nil` where that is open.
  func areWeightsConstant(in graph: Graph, input: Int?) -> Bool {
    guard let hidden = hidden(in: graph), hidden > 0,
      let w = value(1).flatMap({ graph[$0].constant?.shape }), w.count == 3, w[2] > 0,
      w[2] == input ?? w[2]
    else { return false }
    let rows = op.gateCount * hidden
    let shapes = [
      (1, [directions, rows, w[2]]), (2, [directions, rows, hidden]), (3, [directions, 2 * rows]),
      (7, [directions, 3 * hidden]),
    ]
    return shapes.allSatisfy { position, shape in
      guard let value = value(position) else { return true }
      return graph[value].constant?.shape == shape
        && graph[value].constant?.convertedToFloat() != nil
    }
  }

  /// The elements of a constant that belong to a direction; `nil` where the input is absent.
  func weights(_ position: Int, direction: Int, in graph: Graph) -> [Float]? {
    guard let tensor = value(position).flatMap({ graph[$0].constant })?.convertedToFloat() else {
      return nil
    }
    return tensor.withElements(of: Float.self) { elements in
      let count = elements.count / directions
      return Array(elements[direction * count..<(direction + 1) * count])
    }
  }

  /// Whether a state begins at zero: it is absent, or made of zeros whatever the inputs.
  func beginsAtZero(_ position: Int, in graph: Graph) -> Bool {
    guard var value = value(position) else { return true }
    while true {
      if let constant = graph[value].constant?.convertedToFloat() {
        return constant.withElements(of: Float.self) { $0.allSatisfy { $0 == 0 } }
      }
      guard let producer = graph.producer(of: value) else { return false }
      if let fill = producer.op as? ConstantOfShape {
        return fill.value.convertedToFloat()?.elements(of: Float.self) == [0]
      }
      guard producer.movedInputs(to: value) == [0], case let source?? = producer.inputs.first else {
        return false
      }
      value = source
    }
  }
}
