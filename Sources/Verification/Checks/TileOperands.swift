import AccumulatorBounds

/// The integers that meet in the registers of tiles, derived from the file as it is stored.
struct TileOperands {
  /// The bounds of what a weight is multiplied with.
  let input: IntegerRange
  /// Added to each weight less its zero point, by channel; empty for 0.
  let weightOffsets: [Int]
  /// Whether the tiles' registers take any product: not where hardware multiplies bytes of these types without them.
  let areUsed: Bool
  /// Whether the weights are the unsigned bytes, and runs of them as stored share registers too.
  let areExchanged: Bool

  /// What meets in a layer's tiles.
  ///
  /// Which operands become which bytes is stated in docs/registers.md: codes of signed inputs are raised by 128 where
  /// the hardware multiplies unsigned ones. Unsigned weights are the unsigned operand of `u8s8` where the codes of the
  /// inputs are signed, and where they aren't either the products of two unsigned bytes are widened first.
  ///
  /// - Throws: ``Finding/unknownProducts(_:)`` where it isn't known.
  init(_ layer: LayerAnalysis, _ operands: RegisterOperands) throws(Finding) {
    guard let reader = layer.reader, let range = layer.inputRange, let weight = layer.weight,
      let codes = layer.inputCodes
    else { throw .unknownProducts("the layer has no constant weight") }
    guard operands != .values else {
      (input, weightOffsets, areUsed, areExchanged) = (range, [], true, false)
      return
    }
    guard codes.bits <= 8 else {
      throw .unknownProducts("the registers multiply bytes, and the input has \(codes.bits) bits")
    }
    guard weight.bits <= 8 else {
      throw .unknownProducts("the registers multiply bytes, and the weight has \(weight.bits) bits")
    }
    let isSigned = (reader.layout.weight.codes?.fullType.lowerBound ?? 0) < 0
    guard isSigned || operands == .unsignedBytes else {
      throw .unknownProducts("the registers multiply signed bytes, and the weight is unsigned")
    }
    areUsed = isSigned || codes.isSigned
    areExchanged = !isSigned && codes.isSigned
    let byte = operands == .unsignedBytes && !areExchanged ? 0...255 : -128...127
    let shift = areExchanged ? 0 : operands.shift(ofInputs: codes.isSigned)
    let known = codes.range.map { $0.lowerBound + shift...$0.upperBound + shift }
    let bytes = known.flatMap {
      byte.contains($0.lowerBound) && byte.contains($0.upperBound) ? $0 : nil
    }
    input = IntegerRange(bytes ?? byte)
    weightOffsets = reader.channels.map(\.zeroPoint)
  }

  /// The weights of a channel as they are multiplied.
  func weights(_ values: [Int64], ofChannel channel: Int) -> [Int64] {
    guard !weightOffsets.isEmpty, weightOffsets[channel] != 0 else { return values }
    return values.map { $0 + Int64(weightOffsets[channel]) }
  }
}
