import TensorCore

/// An integer data type: the one place that says what a width and a sign can hold, for quantizers, tensors of codes and
/// registers alike.
///
/// `Verification` computes ranges of codes anew, so that a mistake here can't certify itself.
package struct IntegerType: Sendable, Hashable {
  package let bits: Int
  package let isSigned: Bool
  /// Whether the least signed (or the greatest unsigned) value is left out, as QONNX defines it.
  package let isNarrow: Bool

  /// - Precondition: `bits` is one of ``widths(signed:)``.
  package init(bits: Int, signed: Bool, narrow: Bool = false) {
    precondition(Self.widths(signed: signed).contains(bits), "an integer type of \(bits) bits")
    self.bits = bits
    isSigned = signed
    isNarrow = narrow
  }

  /// The widths whose integers fit in 64 bits.
  package static func widths(signed: Bool) -> ClosedRange<Int> { 1...(signed ? 64 : 63) }

  package static let int4 = IntegerType(bits: 4, signed: true)
  package static let uint4 = IntegerType(bits: 4, signed: false)
  package static let int8 = IntegerType(bits: 8, signed: true)
  package static let uint8 = IntegerType(bits: 8, signed: false)
  package static let int32 = IntegerType(bits: 32, signed: true)

  /// All integers of the type.
  package var limits: ClosedRange<Int> {
    let greatest = Int.max >> (isSigned ? 64 - bits : 63 - bits)
    if isSigned { return (isNarrow ? -greatest : -greatest - 1)...greatest }
    return 0...(isNarrow ? greatest - 1 : greatest)
  }

  /// ``limits`` as worst cases take them.
  package var range: IntegerRange { IntegerRange(limits) }
}

extension IntegerType {
  /// The type of a tensor's elements; `nil` for other than integers, and for integers beyond 64 bits with a sign.
  package init?(_ type: ElementType) {
    guard type.isInteger, let bits = type.bitWidth else { return nil }
    let isSigned = [.int4, .int8, .int16, .int32, .int64].contains(type)
    guard Self.widths(signed: isSigned).contains(bits) else { return nil }
    self.init(bits: bits, signed: isSigned)
  }
}
