import AccumulatorBounds

/// The integers of a per-tensor activation quantizer with zero point 0, and how its step follows
/// from a clipping statistic.
///
///     q = clip(round(x / s), qmin, qmax)    y = q s    s = statistic / steps
package struct ActivationFormat: Sendable, Hashable {
  /// N.
  package let bits: Int
  package let signed: Bool
  /// What a step may be.
  package let scaleType: ScaleType

  /// - Precondition: `bits` is 1 to 15.
  package init(bits: Int, signed: Bool, scaleType: ScaleType = .float) {
    precondition((1...15).contains(bits), "\(bits) activation bits")
    self.bits = bits
    self.signed = signed
    self.scaleType = scaleType
  }

  /// The same with another width.
  package func with(bits: Int) -> ActivationFormat {
    ActivationFormat(bits: bits, signed: signed, scaleType: scaleType)
  }

  /// The data type of the integers.
  package var type: IntegerType { IntegerType(bits: bits, signed: signed) }
  /// qmin: 0, or -2^(N-1).
  package var minimum: Int { type.limits.lowerBound }
  /// qmax: 2^N - 1, or 2^(N-1) - 1.
  package var maximum: Int { type.limits.upperBound }

  /// All integers that the quantizer can give.
  package var range: IntegerRange { type.range }

  /// What is multiplied with a weight in registers that take such operands.
  package func range(in operands: RegisterOperands) -> IntegerRange {
    let shift = operands.shift(ofInputs: signed)
    return IntegerRange(minimum + shift...maximum + shift)
  }

  /// Steps from 0 to the statistic: 2^N - 1 unsigned, 2^(N-1) signed.
  ///
  /// Taken through its logarithm in single precision as Brevitas does, which moves 255 to 254.99998:
  /// a scale trained there and one trained here are the same bits.
  package var steps: Float { exp2(log2(Float(signed ? 1 << (bits - 1) : 1 << bits - 1))) }

  /// s for the trained parameter p, the logarithm of the statistic; that of a statistic of 0 is
  /// ``ScaleLimit/ofZeros``. A power of two is the nearest one by its logarithm, through which gradients pass straight.
  package func scale(log2Statistic: Float) -> Float {
    let scale =
      log2Statistic == -.infinity
      ? ScaleLimit.ofZeros : max(exp2(log2Statistic) / steps, ScaleLimit.least)
    return scaleType == .float ? scale : exp2(log2(scale).rounded())
  }

  /// s for a clipping statistic, such as a percentile of the magnitudes.
  package func scale(statistic: Float) -> Float { scale(log2Statistic: log2(statistic)) }

  /// p for a given s.
  package func log2Statistic(scale: Float) -> Float { log2(scale * steps) }
}
