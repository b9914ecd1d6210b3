import GraphIR

extension Graph {
  /// Lets a dot-product node sum in a register of limited width.
  ///
  /// - Parameters:
  ///   - layer: the node's integers. Where its operands are floats its input must be a multiple of the step
  ///     wherever the graph runs; where they are integers the operator's own scales hold, and the layer's don't
  ///     matter.
  ///   - counter: takes what the node's runs overflow.
  /// - Returns: false for a node whose operator isn't emulated: none of Conv, ConvTranspose, MatMul, Gemm without a
  ///   transposed left operand, ConvInteger, MatMulInteger, QLinearConv and QLinearMatMul.
  package mutating func accumulate(
    _ node: NodeID, as layer: IntegerLayer, in accumulator: NarrowAccumulator,
    counting counter: OverflowCounter
  ) -> Bool {
    let op = self[node].op
    if let narrow = NarrowAccumulation(
      op, layer: layer, accumulator: accumulator, counter: counter)
    {
      self[node].op = narrow
    } else if let narrow = NarrowIntegerAccumulation(
      op, layer: layer, accumulator: accumulator, counter: counter)
    {
      self[node].op = narrow
    } else {
      return false
    }
    return true
  }
}
