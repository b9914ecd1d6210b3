import GraphIR
import Operators

/// Bounds of a value that hold for every input of the model.
struct StaticRange: Sendable, Hashable {
  var minimum: Float
  var maximum: Float

  /// The range that an operator itself enforces, or `nil` where it enforces none.
  ///
  /// Clip with constant bounds, Sigmoid, Softmax and Tanh; Relu bounds one side only.
  init?(of value: ValueID, in graph: Graph) {
    guard let node = graph.producer(of: value) else { return nil }
    switch node.op {
    case is Sigmoid, is Softmax: self.init(minimum: 0, maximum: 1)
    case is Tanh: self.init(minimum: -1, maximum: 1)
    case is Relu: self.init(minimum: 0, maximum: .infinity)
    case let clip as Clip: self.init(clip, node, in: graph)
    default: return nil
    }
  }

  private init?(_ clip: Clip, _ node: Node, in graph: Graph) {
    func constant(_ position: Int) -> Float? {
      guard position < node.inputs.count, let value = node.inputs[position] else { return nil }
      return graph[value].constant?.convertedToFloat()?.elements(of: Float.self).first
    }
    switch clip.bounds {
    case .attributes(let minimum, let maximum):
      self.init(minimum: minimum ?? -.infinity, maximum: maximum ?? .infinity)
    case .inputs:
      self.init(minimum: constant(1) ?? -.infinity, maximum: constant(2) ?? .infinity)
    }
  }

  private init(minimum: Float, maximum: Float) {
    self.minimum = minimum
    self.maximum = maximum
  }

  var isBounded: Bool { minimum.isFinite && maximum.isFinite }
  /// The largest magnitude.
  var magnitude: Float { max(abs(minimum), abs(maximum)) }
}
