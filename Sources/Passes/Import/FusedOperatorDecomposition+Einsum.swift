import GraphIR
import Operators
import TensorCore

extension FusedOperatorDecomposition {
  /// Einsum of two computed operands that is a product of stacks of matrices: transpositions, and MatMul.
  ///
  ///     nhcq,nhck->nhqk  ->  MatMul(Transpose(a) [n, h, q, c], b [n, h, c, k])
  ///
  /// Other sums of products stay, and so does one with a constant operand, which is a layer by itself.
  static func einsum(
    _ rewrite: Rewrite, _ attributes: AttributeReader, _ graph: inout Graph
  ) throws(OperatorError) -> Bool {
    let inputs = rewrite.node.inputs
    guard inputs.count == 2, let a = inputs[0], let b = inputs[1],
      graph[a].constant == nil, graph[b].constant == nil,
      let equation = try attributes.string("equation"),
      let product = MatrixEquation(equation)
    else { return false }
    graph.remove(rewrite.node.id)
    func arranged(_ operand: ValueID, _ labels: [Character], as wanted: [Character], _ part: String)
      -> ValueID
    {
      guard labels != wanted else { return operand }
      let permutation = wanted.compactMap(labels.firstIndex(of:))
      return rewrite.add(Transpose(permutation: permutation), part, [operand], to: &graph)
    }
    let left = arranged(
      a, product.left, as: product.stack + [product.row, product.sum], "left")
    let right = arranged(
      b, product.right, as: product.stack + [product.sum, product.column], "right")
    let given = product.stack + [product.row, product.column]
    guard given != product.result else {
      rewrite.finish(MatMul(), [left, right], to: &graph)
      return true
    }
    let products = rewrite.add(MatMul(), "product", [left, right], to: &graph)
    let permutation = product.result.compactMap(given.firstIndex(of:))
    rewrite.finish(Transpose(permutation: permutation), [products], to: &graph)
    return true
  }

  /// An equation of a product of two stacks of matrices, by the labels of axes.
  private struct MatrixEquation {
    let left: [Character]
    let right: [Character]
    let result: [Character]
    /// The axes that all three have, in the result's order.
    let stack: [Character]
    let row: Character
    let column: Character
    let sum: Character

    init?(_ equation: String) {
      let compact = equation.filter { $0 != " " }
      let sides = compact.split(separator: "->", omittingEmptySubsequences: false)
      guard sides.count == 2, !compact.contains(".") else { return nil }
      let terms = sides[0].split(separator: ",", omittingEmptySubsequences: false).map(Array.init)
      guard terms.count == 2 else { return nil }
      (left, right, result) = (terms[0], terms[1], Array(sides[1]))
      let (ofLeft, ofRight, ofResult) = (Set(left), Set(right), Set(result))
      guard ofLeft.count == left.count, ofRight.count == right.count,
        ofResult.count == result.count,
        ofResult.isSubset(of: ofLeft.union(ofRight))
      else { return nil }
      stack = result.filter { ofLeft.contains($0) && ofRight.contains($0) }
      let (rows, columns) = (ofLeft.subtracting(ofRight), ofRight.subtracting(ofLeft))
      let sums = ofLeft.intersection(ofRight).subtracting(ofResult)
      guard rows.count == 1, columns.count == 1, sums.count == 1, let row = rows.first,
        let column = columns.first, let sum = sums.first, ofResult.contains(row),
        ofResult.contains(column)
      else { return nil }
      (self.row, self.column, self.sum) = (row, column, sum)
    }
  }
}
