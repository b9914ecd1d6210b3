import GraphIR
import TensorCore
import Testing

@testable import Execution
@testable import Operators

/// Quantizers whose integers lie between -1 and 1.
@Suite struct TernaryQuantTests {
  /// The integers that a quantizer of scale 1 makes of values.
  private func codes(_ values: [Float], bits: Float) throws -> [Float] {
    let scalars = [1, 0, bits].map { Tensor(scalar: Float($0)) }
    let quantized = try ConstantEvaluator.evaluate(
      Quant(isSigned: true, isNarrow: true),
      inputs: [Tensor(values, shape: [values.count])] + scalars)
    return try #require(quantized.first).elements(of: Float.self)
  }

  @Test func `two narrow bits have a zero, one bit has none`() throws {
    let values: [Float] = [-3, -0.6, -0.5, -0.4, 0, 0.3, 0.5, 0.7, 2]
    #expect(try codes(values, bits: 2) == [-1, -1, 0, 0, 0, 0, 0, 1, 1])
    #expect(try codes(values, bits: 1) == [-1, -1, -1, -1, 1, 1, 1, 1, 1])
  }
}
