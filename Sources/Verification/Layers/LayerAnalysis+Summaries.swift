extension InputSummary {
  init(_ grid: IntegerGrid) {
    bits = grid.bits
    signed = grid.signed
    scale = grid.scale
    zeroPoint = grid.zeroPoint
    integerMinimum = grid.minimum
    integerMaximum = grid.maximum
  }
}

extension WeightSummary {
  init(_ reader: WeightReader, _ sums: [ChannelSums]) {
    let weight = reader.layout.weight
    name = weight.name
    bits = weight.codes?.bits ?? 0
    signed = weight.codes?.signed ?? false
    narrow = weight.isNarrow
    scales = weight.scale == nil ? [] : reader.channels.map(\.scale)
    elementCount = weight.tensor.count
    zeroFraction =
      elementCount == 0
      ? 0 : Double(sums.reduce(0) { $0 + $1.zeros }) / Double(elementCount)
    inexactCount = sums.reduce(0) { $0 + $1.inexact }
  }
}
