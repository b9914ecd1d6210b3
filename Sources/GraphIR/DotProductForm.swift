/// How an operator sums products of its first two inputs: all that tells the layout of its weight and what becomes of
/// the sums.
package struct DotProductForm: Sendable, Hashable {
  package enum Kind: Sendable, Hashable {
    /// A convolution (weight: O x I/groups x kernel).
    case convolution
    /// A transposed convolution (weight: I x O/groups x kernel).
    case transposedConvolution
    /// A product of matrices with factors and a summand of its own.
    case gemm
    /// A batched product of matrices.
    case matMul
  }

  package let kind: Kind
  /// The groups of channels that a convolution keeps apart.
  package private(set) var groups = 1
  /// Whether the first operand of a product of matrices is transposed first.
  package private(set) var transposesLeft = false
  /// Whether the second one is.
  package private(set) var transposesRight = false
  /// What the sums are multiplied with.
  package private(set) var alpha: Float = 1
  /// What the input at ``biasPosition`` is multiplied with.
  package private(set) var beta: Float = 1

  private init(_ kind: Kind) { self.kind = kind }

  package static func convolution(groups: Int) -> DotProductForm {
    var form = DotProductForm(.convolution)
    form.groups = groups
    return form
  }

  package static func transposedConvolution(groups: Int) -> DotProductForm {
    var form = DotProductForm(.transposedConvolution)
    form.groups = groups
    return form
  }

  package static func gemm(
    alpha: Float, beta: Float, transposesLeft: Bool, transposesRight: Bool
  ) -> DotProductForm {
    var form = DotProductForm(.gemm)
    (form.alpha, form.beta) = (alpha, beta)
    (form.transposesLeft, form.transposesRight) = (transposesLeft, transposesRight)
    return form
  }

  package static let matMul = DotProductForm(.matMul)

  /// The position of the input that the operator adds to its sums; `nil` for one that adds none.
  package var biasPosition: Int? { kind == .matMul ? nil : 2 }
}
