import GraphIR
import Operators
import TensorCore

/// A constant of 32-bit codes behind `DequantizeLinear` that is added to a layer's sums.
struct LinearBias {
  private let codes: Tensor
  private let steps: [Float]

  init?(_ value: ValueID, in graph: Graph) {
    guard let node = graph.producer(of: value), node.op.readsCodes,
      let codes = node.inputs[0].flatMap({ graph[$0].constant }), codes.elementType == .int32,
      let steps = node.inputs[1].flatMap({ graph[$0].constant })?.convertedToFloat(),
      steps.count == 1 || steps.count == codes.count,
      node.inputs.count < 3
        || node.inputs[2].map({
          graph[$0].constant?.integers()?.allSatisfy { $0 == 0 } ?? false
        }) ?? true
    else { return nil }
    self.codes = codes
    self.steps = steps.elements(of: Float.self)
  }

  /// What the addition that alone reads a layer adds to it, where it is such a constant.
  static func behind(_ layer: DotProductLayer, in graph: Graph) -> (bias: LinearBias, add: NodeID)?
  {
    guard let (add, position) = layer.addition(in: graph), let addend = graph[add].inputs[position],
      let bias = LinearBias(addend, in: graph)
    else { return nil }
    return (bias, add)
  }

  /// The codes where each is a step of `scales`, one or one a code, up to the rounding of single precision.
  func integers(on scales: [Float]) -> Tensor? {
    guard scales.count == 1 || scales.count == codes.count else { return nil }
    for index in 0..<codes.count {
      let wanted = scales[scales.count == 1 ? 0 : index]
      let step = steps[steps.count == 1 ? 0 : index]
      guard abs(step - wanted) <= wanted * 0x1p-22 else { return nil }
    }
    return codes
  }

  /// The numbers that the codes stand for.
  var values: Tensor? {
    codes.integers().map { integers in
      Tensor(
        integers.indices.map { Float(integers[$0]) * steps[steps.count == 1 ? 0 : $0] },
        shape: codes.shape)
    }
  }
}
