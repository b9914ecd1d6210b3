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
    rewrite.attend(
      q, k, v,
      Scores(
        scale: form.scale, softcap: form.softcap, isCausal: form.isCausal,
        past: rewrite.input(4)),
      masks: { scores, graph in rewrite.mask(form, in: &graph).map { [$0] } ?? [] },
      mergesHeads: form.addsHeads, to: &graph)
    return true
  }

  /// How products of queries and keys become the weights of the values.
  struct Scores {
    var scale: Float
    /// 0 for none.
    var softcap: Float = 0
    var isCausal = false
    /// Earlier keys, by samples, heads, positions and elements, which move the diagonal.
    var past: ValueID?
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
    form.addsHeads
      ? split(input(position), "\(position)", heads: heads, in: &graph) : input(position)
  }

  /// Samples x positions x (heads elements) as samples x heads x positions x elements.
  func split(_ operand: ValueID?, _ part: String, heads: Int, in graph: inout Graph) -> ValueID {
    let shape = integers([0, 0, heads, -1], "operand_\(part)_shape", in: &graph)
    let split = add(Reshape(), "split_\(part)", [operand, shape], to: &graph)
    return add(Transpose(permutation: [0, 2, 1, 3]), "operand_\(part)", [split], to: &graph)
  }

  /// softmax(scale q k^T + masks) v as the first output, of operands with heads.
  ///
  /// - Parameters:
  ///   - masks: summands of the scores, which they are made for.
  ///   - mergesHeads: whether the result has its heads side by side, as samples x positions x (heads elements).
  func attend(
    _ q: ValueID?, _ k: ValueID?, _ v: ValueID?, _ form: FusedOperatorDecomposition.Scores,
    masks: (ValueID, inout Graph) -> [ValueID], mergesHeads: Bool, to graph: inout Graph
  ) {
    let turned = add(Transpose(permutation: [0, 1, 3, 2]), "turned_key", [k], to: &graph)
    let product = add(MatMul(), "product", [q, turned], to: &graph)
    var scores = add(
      Mul(), "scaled", [product, number(form.scale, "scale", in: &graph)], to: &graph)
    if form.softcap > 0 {
      let cap = number(form.softcap, "cap", in: &graph)
      let inner = add(Div(), "capped", [scores, cap], to: &graph)
      let tanh = add(Tanh(), "tanh", [inner], to: &graph)
      scores = add(Mul(), "softcap", [tanh, cap], to: &graph)
    }
    for mask in masks(scores, &graph) + causal(form, scores, in: &graph) {
      scores = add(Add(), "masked", [scores, mask], to: &graph)
    }
    let weights = add(Softmax(), "softmax", [scores], to: &graph)
    guard mergesHeads else {
      finish(MatMul(), [weights, v], to: &graph)
      return
    }
    let sum = add(MatMul(), "sum", [weights, v], to: &graph)
    let rows = add(Transpose(permutation: [0, 2, 1, 3]), "rows", [sum], to: &graph)
    let shape = integers([0, 0, -1], "rows_shape", in: &graph)
    finish(Reshape(), [rows, shape], to: &graph)
  }

  /// The mask as a summand of the scores.
  fileprivate func mask(
    _ form: FusedOperatorDecomposition.AttentionForm, in graph: inout Graph
  ) -> ValueID? {
    guard let mask = input(3), form.hasTruthMask else { return input(3) }
    return select(mask, leftOut: -.infinity, in: &graph)
  }

  /// 0 where a truth value holds, and a number of the scores elsewhere.
  func select(_ truth: ValueID, leftOut: Float, in graph: inout Graph) -> ValueID {
    add(
      Where(), "mask",
      [truth, number(0, "kept", in: &graph), number(leftOut, "left_out", in: &graph)], to: &graph)
  }

  /// -infinity above the diagonal, which a past moves by its length.
  private func causal(
    _ form: FusedOperatorDecomposition.Scores, _ scores: ValueID, in graph: inout Graph
  ) -> [ValueID] {
    guard form.isCausal else { return [] }
    let shape = add(ShapeOf(start: -2), "scores_shape", [scores], to: &graph)
    let square = add(
      Expand(), "left_out_everywhere",
      [
        number(-.infinity, "minus_infinity", in: &graph), shape,
      ], to: &graph)
    var diagonal = integers([1], "diagonal", in: &graph)
    if let past = form.past {
      let length = add(ShapeOf(start: 2, end: 3), "past_length", [past], to: &graph)
      diagonal = add(Add(), "moved_diagonal", [length, diagonal], to: &graph)
    }
    return [add(Trilu(), "causal_mask", [square, diagonal], to: &graph)]
  }
}
