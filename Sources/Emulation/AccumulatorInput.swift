/// The input of a layer as integers less their zero point.
protocol AccumulatorInput: Sendable {
  /// The integer of an element of the row-major input.
  func integer(at position: Int) -> Int16
}

/// Real numbers that are integers times a step.
struct MultiplesOfStep: AccumulatorInput {
  nonisolated(unsafe) private let values: UnsafePointer<Float>
  private let perStep: Float
  private let low: Float
  private let high: Float

  init(_ values: UnsafePointer<Float>, of layer: IntegerLayer) {
    self.values = values
    perStep = 1 / layer.inputScale
    low = Float(layer.inputRange.lowerBound)
    high = Float(layer.inputRange.upperBound)
  }

  @inline(__always)
  func integer(at position: Int) -> Int16 {
    // A value is its integer times the step up to a rounding, so that this is off by far less than half.
    let value = (values[position] * perStep).rounded(.toNearestOrEven)
    // In this order NaN becomes the least integer.
    return Int16(min(max(low, value), high))
  }
}

/// Integers whose zero point is subtracted already.
struct CentredCodes: AccumulatorInput {
  nonisolated(unsafe) private let codes: UnsafePointer<Int16>

  init(_ codes: UnsafePointer<Int16>) { self.codes = codes }

  @inline(__always)
  func integer(at position: Int) -> Int16 { codes[position] }
}
