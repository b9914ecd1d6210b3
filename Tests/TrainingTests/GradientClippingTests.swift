import TensorCore
import Testing

@testable import Training

@Suite struct GradientClippingTests {
  private let segments = [
    ParameterSegment(name: "conv1", range: 0..<2, decays: true),
    ParameterSegment(name: "scale", range: 2..<4, decays: false),
  ]

  private func clip(_ gradients: inout [Float], at limit: Double?) throws -> Double {
    let clipping = try GradientClipping(maximumNorm: limit)
    return try gradients.withMutableBuffer { (buffer) throws(GradientError) in
      try clipping.apply(buffer, segments: segments)
    }
  }

  @Test func `gradients beyond the limit are scaled onto it, all by one factor`() throws {
    var gradients: [Float] = [2, -4, 4, 8]
    #expect(try clip(&gradients, at: 1) == 10)
    for (value, expected) in zip(gradients, [0.2, -0.4, 0.4, 0.8]) {
      #expect(abs(Double(value) - expected) < 1e-6)
    }
  }

  @Test func `gradients within the limit keep their bits`() throws {
    let start: [Float] = [2, -4, 4, 8]
    var gradients = start
    #expect(try clip(&gradients, at: 10.1) == 10)
    #expect(gradients == start)
    #expect(try clip(&gradients, at: nil) == 10)
    #expect(gradients == start)
  }

  @Test func `the largest floats have a finite norm`() throws {
    var gradients = [Float](repeating: .greatestFiniteMagnitude, count: 4)
    let norm = try clip(&gradients, at: 2)
    #expect(norm == 2 * Double(Float.greatestFiniteMagnitude))
    #expect(gradients.allSatisfy { abs($0 - 1) < 1e-6 })
  }

  @Test func `the first bad element is found, and nothing is changed`() {
    var gradients: [Float] = [1, 2, 3, .nan]
    #expect(
      throws: GradientError.notFinite(segment: "scale", element: 1, isNaN: true)
    ) { try clip(&gradients, at: 1) }
    gradients = [1, -.infinity, .nan, 4]
    #expect(
      throws: GradientError.notFinite(segment: "conv1", element: 1, isNaN: false)
    ) { try clip(&gradients, at: 1) }
    #expect(gradients[0] == 1 && gradients[3] == 4)
    let error = GradientError.notFinite(segment: "a\nb", element: 1, isNaN: false)
    #expect("\(error)".hasPrefix(#"the gradient of 'a\nb' is infinite at element 1; use a lower"#))
  }

  @Test func `the number of threads doesn't change a bit of the norm`() {
    let gradients = randomFloats(500_009, in: -1...1, seed: 5)
    let (one, three) = withOneAndThreeThreads {
      gradients.withBuffer { GradientClipping.norm($0) }
    }
    #expect(one == three)
    let plain = gradients.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
    #expect(abs(one - plain) < 1e-9 * plain)
  }

  @Test func `a limit of 0 is refused`() {
    #expect(throws: OptimizerError.setting(.maximumNorm, expected: .positive, actual: 0)) {
      try GradientClipping(maximumNorm: 0)
    }
  }
}
