/// The scale and the zero point by which DynamicQuantizeLinear quantizes numbers.
struct DynamicRange {
  let scale: Float
  let zero: Int

  init(_ x: UnsafePointer<Float>, count: Int, _ codec: IntegerCodec) {
    var (low, high): (Float, Float) = (0, 0)
    for i in 0..<count { (low, high) = (min(low, x[i]), max(high, x[i])) }
    scale = high == low ? 1 : (high - low) / 255
    zero = codec.code(-low / scale, zero: 0)
  }
}
