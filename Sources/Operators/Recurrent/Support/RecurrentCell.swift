import TensorCore

/// What a recurrent operator computes of one sample at one step, in one direction.
struct RecurrentCell: Sendable {
  /// The functions of the direction.
  var functions: [@Sendable (Float) -> Float]
  var clip: Float?
  /// One computation after each product of the state with rows of R.
  var phases: [Phase]

  /// A part of a step: gates whose products with the state come first, then what is computed of them.
  struct Phase: Sendable {
    var gates: Range<Int>
    var compute: @Sendable (RecurrentCell, Row) -> Void
  }

  /// The operands of one sample.
  struct Row {
    var hidden: Int
    /// The products of the input with W, and the biases that are added to them, gate by gate.
    var input: UnsafePointer<Float>
    /// The products of the state with R, gate by gate; free to be written.
    var sums: UnsafeMutablePointer<Float>
    /// The state h, to be replaced by the last phase.
    var state: UnsafeMutablePointer<Float>
    /// The second state c, to be replaced; unused where there is none.
    var memory: UnsafeMutablePointer<Float>
    /// What the next phase multiplies with R instead of the state.
    var operand: UnsafeMutablePointer<Float>
    /// The peephole weights, or the bias of R that belongs inside a reset; `nil` for zeros.
    var extra: UnsafePointer<Float>?

    /// The sum of both products of a gate.
    func sum(_ gate: Int, _ index: Int) -> Float {
      input[gate * hidden + index] + sums[gate * hidden + index]
    }
  }

  /// A function of a clipped sum.
  func apply(_ function: Int, _ sum: Float) -> Float {
    functions[function](clip.map { min(max(sum, -$0), $0) } ?? sum)
  }
}
