import Execution
import GraphIR
import Operators
import TensorCore

/// QONNX's channels-last operators: Conv, MaxPool and BatchNormalization of the standard, with data, and a
/// convolution's weight, in the order (N, spatial..., C).
package enum ChannelsLast {
  /// Its versions are those of the standard.
  package static let domain = "qonnx.custom_op.channels_last"
  static let types: Set = ["BatchNormalization", "Conv", "MaxPool"]

  /// The transposition that takes data of `rank` axes from channels second to channels last.
  static func order(_ rank: Int) -> [Int] { [0] + Array(2..<rank) + [1] }
  /// The way back.
  static func inverse(_ rank: Int) -> [Int] { [0, rank - 1] + Array(1..<rank - 1) }

  /// How many inputs of an operator are in its order of axes: the data, and a convolution's weight.
  static func orderedInputs(_ type: String) -> Int { type == "Conv" ? 2 : 1 }
}

extension Tensor {
  /// The tensor with its axes in another order, `nil` for element types that can't be moved.
  func moved(_ order: [Int]) -> Tensor? {
    (try? ConstantEvaluator.evaluate(Transpose(permutation: order), inputs: [self]))?.first
  }
}

extension Graph {
  /// The value with its axes in another order.
  ///
  /// A constant, and a constant behind its quantizer, is transposed itself; anything else by a node.
  mutating func moved(_ value: ValueID, _ order: [Int]) -> ValueID {
    let type = self[value].type.map { type in
      TensorType(
        type.elementType,
        type.dimensions.flatMap { $0.count == order.count ? $0 : nil }.map { dimensions in
          order.map { dimensions[$0] }
        })
    }
    let name = self[value].name
    if let constant = self[value].constant?.moved(order) {
      return addConstant(name: name + "_moved", constant)
    }
    if let node = producer(of: value), node.quant != nil, let data = node.inputs[0],
      self[data].constant?.rank == order.count
    {
      let inputs = node.inputs.map { input in
        input.map { self[$0].constant?.rank == order.count ? moved($0, order) : $0 }
      }
      let result = addNode(
        node.op, name: node.name, inputs: inputs, output: name + "_moved", type: type)
      self[result].annotations = self[value].annotations
      return result
    }
    return addNode(
      Transpose(permutation: order), name: name + "_transpose", inputs: [value],
      output: name + "_transposed", type: type)
  }
}
