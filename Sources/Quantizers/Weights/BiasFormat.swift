import AccumulatorBounds

/// The integers of a bias that is added inside the accumulator: signed, one step of the accumulator each.
///
///     b = clip(round(c / (s x-step)), -2^(B-1), 2^(B-1) - 1)    c_q = b s x-step
///
/// with c the bias, s the scale of the channel's weights and x-step the scale of the layer's input.
/// Rounding is to nearest, ties to even.
package struct BiasFormat: Sendable, Hashable {
  /// The widths that a float32 bias in a file tells apart under every order of rounding.
  package static let widths = 2...23

  /// B.
  package let bits: Int

  /// - Precondition: `bits` is in ``widths``.
  package init(bits: Int) {
    precondition(Self.widths.contains(bits), "\(bits) bias bits")
    self.bits = bits
  }

  var range: IntegerRange { IntegerType(bits: bits, signed: true).range }

  /// The least scale at which a bias is not cut off.
  func leastScale(_ bias: Float, in register: AccumulatorRange) -> Float {
    // A quarter of a step more still rounds to the greatest integer, whatever a logarithm of the scale loses.
    bias.magnitude / (Float(min(range.maximum, register.maximum)) + 0.25)
  }

  /// b, limited to what the register that it is added in holds; 0 where the quotient is not a number.
  ///
  /// - Parameters:
  ///   - bias: c in steps of the layer's input, c / x-step.
  ///   - scale: s.
  package func integer(_ bias: Float, scale: Float, in register: AccumulatorRange) -> Int64 {
    let quotient = Double(bias / scale).rounded(.toNearestOrEven)
    guard !quotient.isNaN else { return 0 }
    let low = max(range.minimum, register.minimum)
    let high = min(range.maximum, register.maximum)
    return Int64(min(max(quotient, Double(low)), Double(high)))
  }
}
