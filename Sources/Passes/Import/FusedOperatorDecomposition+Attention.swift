import GraphIR
import Operators
import TensorCore

extension FusedOperatorDecomposition {
  /// Attention(q, k, v, mask, past k, past v):
  ///
  ///     softmax(scale q k^T + mask) v,    as MatMul, Mul, Add, Softmax, MatMul
  ///
  /// 1. Operands of three axes get one for the heads; the result loses it again.
  /// 2. A past comes before k and v; present k and v are outputs.
  /// 3. Fewer heads of k and v than of q are repeated, each for a run of q's.
  /// 4. A mask of truth values, and the causal one, become summands of 0 and -infinity.
  /// 5. `softcap` bounds the scores by a hyperbolic tangent.
  ///
  /// It stays where its scores are an output, where a length of the unpadded keys is given, and where a number of heads
  /// or their size isn't known.
  static func attention(
    _ rewrite: Rewrite, _ attributes: AttributeReader, _ graph: inout Graph
  ) throws(OperatorError) -> Bool {
    guard let form = try AttentionForm(rewrite, attributes, graph) else { return false }
    graph.remove(rewrite.node.id)
    let q = rewrite.withHeads(0, form.queryHeads, form, in: &graph)
    var (k, v) = (
      rewrite.withHeads(1, form.keyHeads, form, in: &graph),
      rewrite.withHeads(2, form.keyHeads, form, in: &graph)
    )
    if let past = rewrite.input(4) {
      k = rewrite.add(Concat(axis: 2), "present_key", [past, k], to: &graph)
    }
    if let past = rewrite.input(5) {
      v = rewrite.add(Concat(axis: 2), "present_value", [past, v], to: &graph)
    }
    for (output, value) in [(1, k), (2, v)] where rewrite.isRead(output, in: graph) {
      rewrite.finish(Identity(), [value], output: output, to: &graph)
    }
    if form.queryHeads != form.keyHeads {
      let heads = rewrite.integers(
        (0..<form.queryHeads).map { $0 * form.keyHeads / form.queryHeads }, "heads", in: &graph)
      k = rewrite.add(Gather(axis: 1), "repeated_key", [k, heads], to: &graph)
      v = rewrite.add(Gather(axis: 1), "repeated_value", [v, heads], to: &graph)
    }
    let turned = rewrite.add(
      Transpose(permutation: [0, 1, 3, 2]), "turned_key", [k], to: &graph)
    let product = rewrite.add(MatMul(), "product", [q, turned], to: &graph)
    var scores = rewrite.add(
      Mul(), "scaled", [product, rewrite.number(form.scale, "scale", in: &graph)], to: &graph)
    if form.softcap > 0 {
      let cap = rewrite.number(form.softcap, "cap", in: &graph)
      let inner = rewrite.add(Div(), "capped", [scores, cap], to: &graph)
      let tanh = rewrite.add(Tanh(), "tanh", [inner], to: &graph)
      scores = rewrite.add(Mul(), "softcap", [tanh, cap], to: &graph)
    }
    for mask in rewrite.masks(form, scores, in: &graph) {
      scores = rewrite.add(Add(), "masked", [scores, mask], to: &graph)
    }
    let weights = rewrite.add(Softmax(), "softmax", [scores], to: &graph)
    guard form.addsHeads else {
      rewrite.finish(MatMul(), [weights, v], to: &graph)
      return true
    }
    let sum = rewrite.add(MatMul(), "sum", [weights, v], to: &graph)
    let rows = rewrite.add(
      Transpose(permutation: [0, 2, 1, 3]), "rows", [sum], to: &graph)
    let shape = rewrite.integers([0, 0, -1], "rows_shape", in: &graph)
    rewrite.finish(Reshape(), [rows, shape], to: &graph)
    return true
  }

  /// What the attributes and types of an Attention say.
  fileprivate struct AttentionForm {
    private static let mostHeads = 1 << 16

    var queryHeads: Int
    var keyHeads: Int
    /// Whether operands come without an axis of heads.
    var addsHeads: Bool
    var scale: Float
    var softcap: Float
    var isCausal: Bool
    var hasTruthMask = false

    init?(_ rewrite: Rewrite, _ attributes: AttributeReader, _ graph: Graph)
      throws(OperatorError)
    {
      let types = (0..<4).map { position in
        rewrite.input(position).flatMap { graph[$0].type }
      }
      guard !rewrite.isRead(3, in: graph), rewrite.input(6) == nil,
        let q = types[0]?.dimensions, let k = types[1]?.dimensions, q.count == k.count
      else { return nil }
      addsHeads = q.count == 3
      let named = (
        try attributes.int("q_num_heads"), try attributes.int("kv_num_heads")
      )
      guard let queryHeads = named.0 ?? (q.count == 4 ? q[1].size : nil),
        let keyHeads = named.1 ?? (k.count == 4 ? k[1].size : nil),
        (1...Self.mostHeads).contains(queryHeads),
        keyHeads > 0, queryHeads % keyHeads == 0, q.count == 3 || q.count == 4
      else { return nil }
      (self.queryHeads, self.keyHeads) = (queryHeads, keyHeads)
      if let scale = try attributes.float("scale") {
        self.scale = scale
      } else {
        guard let width = q.last?.size, width > 0 else { return nil }
        scale = 1 / Float(addsHeads ? width / queryHeads : width).squareRoot()
      }
      softcap = try attributes.float("softcap", default: 0)
      isCausal = try attributes.bool("is_causal", default: false)
      if rewrite.input(3) != nil {
        guard let mask = types[3] else { return nil }
        hasTruthMask = mask.elementType == .bool
      }
    }
  }
}

extension FusedOperatorDecomposition.Rewrite {
  /// An operand as samples x heads x positions x elements.
  fileprivate func withHeads(
    _ position: Int, _ heads: Int, _ form: FusedOperatorDecomposition.AttentionForm,
    in graph: inout Graph
  ) -> ValueID? {
    guard form.addsHeads else { return input(position) }
    let shape = integers([0, 0, heads, -1], "operand_\(position)_shape", in: &graph)
    let split = add(Reshape(), "split_\(position)", [input(position), shape], to: &graph)
    return add(
      Transpose(permutation: [0, 2, 1, 3]), "operand_\(position)", [split], to: &graph)
  }

  /// The summands of the scores.
  fileprivate func masks(
    _ form: FusedOperatorDecomposition.AttentionForm, _ scores: ValueID, in graph: inout Graph
  ) -> [ValueID] {
    var masks: [ValueID] = []
    if let mask = input(3) {
      guard form.hasTruthMask else { return [mask] + causal(form, scores, in: &graph) }
      masks.append(
        add(
          Where(), "mask",
          [
            mask, number(0, "kept", in: &graph), number(-.infinity, "left_out", in: &graph),
          ], to: &graph))
    }
    return masks + causal(form, scores, in: &graph)
  }

  /// -infinity above the diagonal, which a past moves by its length.
  private func causal(
    _ form: FusedOperatorDecomposition.AttentionForm, _ scores: ValueID, in graph: inout Graph
  ) -> [ValueID] {
    guard form.isCausal else { return [] }
    let shape = add(ShapeOf(start: -2), "scores_shape", [scores], to: &graph)
    let square = add(
      Expand(), "left_out_everywhere",
      [
        number(-.infinity, "minus_infinity", in: &graph), shape,
      ], to: &graph)
    var diagonal = integers([1], "diagonal", in: &graph)
    if let past = input(4) {
      let length = add(ShapeOf(start: 2, end: 3), "past_length", [past], to: &graph)
      diagonal = add(Add(), "moved_diagonal", [length, diagonal], to: &graph)
    }
    return [add(Trilu(), "causal_mask", [square, diagonal], to: &graph)]
  }
}
