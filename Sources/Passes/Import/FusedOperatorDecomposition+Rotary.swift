import GraphIR
import Operators
import TensorCore

extension FusedOperatorDecomposition {
  /// RotaryEmbedding(x, position ids, cosines, sines) of onnxruntime's domain: the standard's since opset 23, else its
  /// formula on the halves, or on neighbours, of each head.
  ///
  /// It stays where one position is given for all samples, where batches are packed, and where the size of a head doesn't
  /// follow.
  static func rotaryEmbedding(
    _ rewrite: Rewrite, _ attributes: AttributeReader, _ graph: inout Graph
  ) throws(OperatorError) -> Bool {
    func dimensions(_ position: Int) -> [Dimension]? {
      rewrite.input(position).flatMap { graph[$0].type?.dimensions }
    }
    guard let x = dimensions(0), dimensions(1)?.count == 2, x.count == 3 || x.count == 4,
      let half = dimensions(2)?.last?.size, half > 0, let width = x.last?.size,
      try attributes.int("is_packed_batching", default: 0) == 0,
      try attributes.float("scale", default: 1) == 1
    else { return false }
    let turned = try attributes.int("rotary_embedding_dim", default: 0)
    let named = try attributes.int("num_heads", default: 0)
    // Without a number of heads, all of each head is turned.
    let heads = x.count == 4 ? 0 : named > 0 ? named : width / (2 * half)
    guard x.count == 4 || heads > 0 && width % heads == 0, turned == 0 || turned == 2 * half else {
      return false
    }
    let size = x.count == 4 ? width : width / heads
    let isInterleaved = try attributes.bool("interleaved", default: false)
    graph.remove(rewrite.node.id)
    if rewrite.opset >= RotaryEmbedding.schema.sinceVersion {
      rewrite.finish(
        RotaryEmbedding(isInterleaved: isInterleaved, heads: heads, turned: turned),
        [rewrite.input(0), rewrite.input(2), rewrite.input(3), rewrite.input(1)], to: &graph)
      return true
    }
    let operand =
      x.count == 4
      ? rewrite.input(0) : rewrite.split(rewrite.input(0), "x", heads: heads, in: &graph)
    let result = rewrite.turn(
      operand, half: half, size: size, isInterleaved: isInterleaved, in: &graph)
    guard x.count == 3 else {
      rewrite.finish(Identity(), [result], to: &graph)
      return true
    }
    let rows = rewrite.add(
      Transpose(permutation: [0, 2, 1, 3]), "rows", [result], to: &graph)
    rewrite.finish(
      Reshape(), [rows, rewrite.integers([0, 0, width], "rows_shape", in: &graph)], to: &graph)
    return true
  }
}

extension FusedOperatorDecomposition.Rewrite {
  /// Turns the first 2 `half` of the `size` elements of each head; samples x heads x positions x elements.
  fileprivate func turn(
    _ x: ValueID?, half: Int, size: Int, isInterleaved: Bool, in graph: inout Graph
  ) -> ValueID {
    let factors = [(2, "cosine"), (3, "sine")].map { position, name in
      let rows = add(Gather(axis: 0), name, [input(position), input(1)], to: &graph)
      return insertAxis(rows, name + "_of_heads", 1, in: &graph)
    }
    let step = isInterleaved ? 2 : 1
    let parts = (0..<2).map { index in
      let start = isInterleaved ? index : index * half
      let end = isInterleaved ? 2 * half : start + half
      return slice(x, "half_\(index)", start..<end, axis: 3, step: step, in: &graph)
    }
    func product(_ part: Int, _ factor: Int) -> ValueID {
      add(Mul(), "product_\(part)_\(factor)", [parts[part], factors[factor]], to: &graph)
    }
    var turned = [
      add(Sub(), "turned_0", [product(0, 0), product(1, 1)], to: &graph),
      add(Add(), "turned_1", [product(0, 1), product(1, 0)], to: &graph),
    ]
    if isInterleaved {
      let pairs = turned.enumerated().map { insertAxis($1, "pair_\($0)", 4, in: &graph) }
      let joined = add(Concat(axis: 4), "pairs", pairs, to: &graph)
      turned = [
        add(
          Reshape(), "turned",
          [joined, integers([0, 0, 0, 2 * half], "turned_shape", in: &graph)],
          to: &graph)
      ]
    }
    if size > 2 * half {
      turned.append(slice(x, "copied", 2 * half..<size, axis: 3, in: &graph))
    }
    return turned.count == 1 ? turned[0] : add(Concat(axis: 3), "joined", turned, to: &graph)
  }
}
