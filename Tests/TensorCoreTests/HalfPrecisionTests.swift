import Testing

@testable import TensorCore

@Suite struct HalfPrecisionTests {
  @Test func `every finite float16 survives widening and rounding back`() {
    for bits in UInt16.min...UInt16.max {
      let value = HalfPrecision.float(fromFloat16: bits)
      if value.isNaN { continue }
      #expect(HalfPrecision.float16(value) == bits)
    }
  }

  @Test(
    arguments: [
      (65504, 0x7BFF), (65519, 0x7BFF), (65520, 0x7C00), (1 + 0x1p-11, 0x3C00),
      (1 + 0x1p-11 + 0x1p-20, 0x3C01), (0x1p-25, 0x0000), (0x1.8p-25, 0x0001), (-0.0, 0x8000),
    ] as [(Float, UInt16)])
  func `float16 rounds to nearest, ties to even`(value: Float, expected: UInt16) {
    #expect(HalfPrecision.float16(value) == expected)
  }

  @Test(
    arguments: [
      (1, 0x3F80), (1 + 0x1p-8, 0x3F80), (1 + 0x1p-7 + 0x1p-8, 0x3F82),
      (-Float.infinity, 0xFF80),
    ] as [(Float, UInt16)])
  func `bfloat16 rounds to nearest, ties to even`(value: Float, expected: UInt16) {
    #expect(HalfPrecision.bfloat16(value) == expected)
  }
}
