import GraphIR
import Operators
import TensorCore

extension FusedOperatorDecomposition {
  /// MultiHeadAttention(q, k, v, bias, key padding mask, bias of the scores, past k, past v) of onnxruntime's domain:
  /// each operand with its part of the bias, then as ``attention(_:_:_:)``.
  ///
  /// q has three axes; k and v too, or four with their heads second. It stays where q, k and v come packed in one tensor,
  /// where the mask gives lengths instead of a truth value for each key, and where scores or a cache of fixed size are asked
  /// for.
  static func multiHeadAttention(
    _ rewrite: Rewrite, _ attributes: AttributeReader, _ graph: inout Graph
  ) throws(OperatorError) -> Bool {
    guard let form = try HeadsForm(rewrite, attributes, operands: 0..<3, mask: 4, graph),
      rewrite.input(8) == nil, rewrite.input(9) == nil, !rewrite.isRead(3, in: graph)
    else { return false }
    graph.remove(rewrite.node.id)
    var (heads, start): ([ValueID?], Int) = ([], 0)
    for position in 0..<3 {
      guard let width = form.widths[position] else {
        heads.append(rewrite.input(position))
        continue
      }
      var operand = rewrite.input(position)
      if let bias = rewrite.input(3) {
        let part = rewrite.slice(
          bias, "bias_\(position)", start..<start + width, axis: 0, in: &graph)
        operand = rewrite.add(Add(), "biased_\(position)", [operand, part], to: &graph)
      }
      start += width
      heads.append(rewrite.split(operand, "\(position)", heads: form.heads, in: &graph))
    }
    for (position, name) in [(1, "key"), (2, "value")] {
      if let past = rewrite.input(5 + position) {
        heads[position] = rewrite.add(
          Concat(axis: 2), "present_" + name, [past, heads[position]], to: &graph)
      }
      if rewrite.isRead(position, in: graph) {
        rewrite.finish(Identity(), [heads[position]], output: position, to: &graph)
      }
    }
    rewrite.attend(
      heads[0], heads[1], heads[2], form.scores(past: rewrite.input(6)),
      masks: { _, graph in
        [rewrite.paddingMask(form, 4, in: &graph), rewrite.input(5)].compactMap { $0 }
      }, mergesHeads: true, to: &graph)
    return true
  }

  /// Attention(x, weight, bias, mask, past, bias of the scores) of onnxruntime's domain: one layer, whose output has
  /// queries, keys and values side by side, then as ``attention(_:_:_:)``.
  ///
  /// It stays with a past, with positions that turn its operands, and where the mask gives lengths.
  static func packedAttention(
    _ rewrite: Rewrite, _ attributes: AttributeReader, _ graph: inout Graph
  ) throws(OperatorError) -> Bool {
    guard let form = try HeadsForm(rewrite, attributes, operands: nil, mask: 3, graph),
      rewrite.input(4) == nil, rewrite.input(6) == nil, !rewrite.isRead(1, in: graph),
      try attributes.int("do_rotary", default: 0) == 0
    else { return false }
    graph.remove(rewrite.node.id)
    var x = rewrite.add(
      MatMul(), "layer", [rewrite.input(0), rewrite.input(1)], to: &graph)
    if let bias = rewrite.input(2) {
      x = rewrite.add(Add(), "layer_bias", [x, bias], to: &graph)
    }
    var (heads, start): ([ValueID], Int) = ([], 0)
    for (position, width) in form.widths.enumerated() {
      guard let width else { continue }
      let part = rewrite.slice(x, "part_\(position)", start..<start + width, axis: 2, in: &graph)
      start += width
      heads.append(rewrite.split(part, "\(position)", heads: form.heads, in: &graph))
    }
    rewrite.attend(
      heads[0], heads[1], heads[2], form.scores(past: nil),
      masks: { _, graph in
        [rewrite.paddingMask(form, 3, in: &graph), rewrite.input(5)].compactMap { $0 }
      }, mergesHeads: true, to: &graph)
    return true
  }

  /// What both forms say of heads and masks.
  fileprivate struct HeadsForm {
    private static let mostHeads = 1 << 16

    let heads: Int
    /// Elements of queries, keys and values, all heads together; `nil` for an operand that has its heads already.
    let widths: [Int?]
    /// Axes of the mask; 0 for none.
    let maskRank: Int
    /// What is added to scores of keys that the mask leaves out.
    let leftOut: Float
    private let scale: Float
    private let isCausal: Bool

    /// - Parameters:
    ///   - operands: the positions of queries, keys and values; `nil` where one layer gives them.
    ///   - mask: the position of the mask.
    /// - Returns: `nil` for what isn't written anew.
    init?(
      _ rewrite: Rewrite, _ attributes: AttributeReader, operands: Range<Int>?, mask: Int,
      _ graph: Graph
    ) throws(OperatorError) {
      func type(_ position: Int) -> TensorType? {
        rewrite.input(position).flatMap { graph[$0].type }
      }
      guard let heads = try attributes.int("num_heads") else {
        throw .missingAttribute(name: "num_heads")
      }
      guard (1...Self.mostHeads).contains(heads) else { return nil }
      self.heads = heads
      if let operands {
        let shapes = operands.map { type($0)?.dimensions }
        guard let q = shapes[0], q.count == 3, q[2].size != nil else { return nil }
        var widths: [Int?] = []
        for shape in shapes {
          guard let shape, shape.count == 3 || shape.count == 4 else { return nil }
          if shape.count == 3, shape[2].size == nil { return nil }
          widths.append(shape.count == 3 ? shape[2].size : nil)
        }
        self.widths = widths
        if rewrite.input(3) != nil, widths.contains(nil) { return nil }
      } else {
        guard let width = type(1)?.dimensions?.last?.size, type(0)?.dimensions?.count == 3 else {
          return nil
        }
        let sizes = try attributes.ints("qkv_hidden_sizes") ?? []
        guard sizes.isEmpty ? width % 3 == 0 : sizes.count == 3 && sizes.reduce(0, +) == width
        else { return nil }
        widths = sizes.isEmpty ? [Int?](repeating: width / 3, count: 3) : sizes
      }
      guard let width = widths[0], width > 0,
        widths.allSatisfy({ ($0 ?? 0) >= 0 && ($0 ?? 0) % heads == 0 })
      else { return nil }
      let given = try attributes.float("scale", default: 0)
      scale = given != 0 ? given : 1 / Float(width / heads).squareRoot()
      isCausal = try attributes.bool("unidirectional", default: false)
      leftOut = try attributes.float("mask_filter_value", default: -10000)
      guard rewrite.input(mask) != nil else {
        maskRank = 0
        return
      }
      // One axis gives lengths.
      guard let rank = type(mask)?.dimensions?.count, rank == 2 || rank == 3 else { return nil }
      maskRank = rank
    }

    func scores(past: ValueID?) -> Scores {
      Scores(scale: scale, isCausal: isCausal, past: past)
    }
  }
}

extension FusedOperatorDecomposition.Rewrite {
  /// A range of an axis.
  func slice(
    _ value: ValueID?, _ part: String, _ range: Range<Int>, axis: Int, step: Int = 1,
    in graph: inout Graph
  ) -> ValueID {
    add(
      Slice(), part,
      [
        value, integers([range.lowerBound], part + "_start", in: &graph),
        integers([range.upperBound], part + "_end", in: &graph),
        integers([axis], part + "_axis", in: &graph), integers([step], part + "_step", in: &graph),
      ], to: &graph)
  }

  /// Another axis of size 1, as the opset of the model has it.
  func insertAxis(_ value: ValueID?, _ part: String, _ axis: Int, in graph: inout Graph) -> ValueID
  {
    guard opset >= 13 else {
      return add(Unsqueeze(axes: .attribute([axis])), part, [value], to: &graph)
    }
    return add(
      Unsqueeze(axes: .input), part, [value, integers([axis], part + "_axis", in: &graph)],
      to: &graph)
  }

  /// The mask of keys, by sample, or by sample and query, as a summand of the scores.
  fileprivate func paddingMask(
    _ form: FusedOperatorDecomposition.HeadsForm, _ position: Int, in graph: inout Graph
  ) -> ValueID? {
    guard let mask = input(position) else { return nil }
    let truth = add(Cast(to: .bool), "mask_truth", [mask], to: &graph)
    var summand = select(truth, leftOut: form.leftOut, in: &graph)
    summand = insertAxis(summand, "mask_of_heads", 1, in: &graph)
    return form.maskRank == 2 ? insertAxis(summand, "mask_of_queries", 1, in: &graph) : summand
  }
}
