import GraphIR

extension Graph {
  /// Lets a dot-product node sum in a register of limited width.
  ///
  /// - Parameters:
  ///   - layer: the node's integers; its input must be a multiple of their step wherever the graph runs.
  ///   - counter: takes what the node's runs overflow.
  /// - Returns: false for a node whose operator isn't emulated: none of Conv, ConvTranspose, MatMul and Gemm
  ///   without a transposed left operand.
  public mutating func accumulate(
    _ node: NodeID, as layer: IntegerLayer, in accumulator: NarrowAccumulator,
    counting counter: OverflowCounter
  ) -> Bool {
    guard
      let op = NarrowAccumulation(
        self[node].op, layer: layer, accumulator: accumulator, counter: counter)
    else { return false }
    self[node].op = op
    return true
  }
}
