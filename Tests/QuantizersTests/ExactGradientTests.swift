import AccumulatorBounds
import Testing

@testable import Quantizers

@Suite struct ExactGradientTests {
  private func gradients(
    _ weights: [Float], _ upstream: [Float], scale: Float, _ budget: AccumulatorBudget,
    _ gradient: ExactQuantizer.Gradient
  ) -> (weights: [Float], log2Scale: Float) {
    let layer = WeightLayer(channels: 1, length: weights.count, bits: 8, budget: budget)
    var result = [Float](repeating: .nan, count: weights.count)
    var ofScale: [Float] = [.nan]
    result.withMutableBuffer { result in
      ofScale.withMutableBuffer { ofScale in
        weights.withBuffer { weights in
          upstream.withBuffer { upstream in
            ChannelParameters(log2Scale: [log2(scale)], log2Norm: []).withView {
              ExactQuantizer(layer, gradient: gradient).backward(
                weights, $0, upstream: upstream,
                into: .init(
                  weights: result, log2Scale: ofScale, log2Norm: .init(start: nil, count: 0)))
            }
          }
        }
      }
    }
    return (result, ofScale[0])
  }

  /// Where every weight stays active the projection is that onto an affine subspace, which finite
  /// differences of its closed form follow.
  @Test(
    arguments: [
      // Per sign; both signs by the upper constraint; by the lower one; by both.
      (0...7, 10, [Double](), Float(0)), (-8...7, 11, [7, 8], -0.02), (-8...7, 11, [8, 7], 0.02),
      (-8...3, 11, [], 0),
    ] as [(ClosedRange<Int64>, Int, [Double], Float)])
  func `the Jacobian is the derivative of the projection`(
    input: ClosedRange<Int64>, bits: Int, normal: [Double], shift: Float
  ) throws {
    var generator = SplitMix(seed: 59)
    let scale: Float = 0.125
    // Magnitudes of 10 to 16 steps; a shift gives one sign more than the other.
    let weights = (0..<24).map { index -> Float in
      let magnitude = 1.25 + 0.75 * generator.uniform()
      return index % 2 == 0 ? magnitude * (1 + 8 * shift) : -magnitude * (1 - 8 * shift)
    }
    let upstream = (0..<24).map { _ in generator.normal() }
    let budget = try makeBudget(input, bits: bits)
    let result = gradients(weights, upstream, scale: scale, budget, .jacobian)

    let quantizer = ExactQuantizer(
      WeightLayer(channels: 1, length: 24, bits: 8, budget: budget))
    let codes = try quantizer.quantize(
      weights, ChannelParameters(log2Scale: [log2(scale)], log2Norm: [])
    ).codes
    #expect(codes.allSatisfy { $0 != 0 })
    // The constraints that hold with equality, each a normal and its room in steps.
    let signs = weights.map { $0 > 0 ? 1.0 : -1.0 }
    var normals: [[Double]] = []
    if normal.isEmpty {
      normals = [signs.map { $0 > 0 ? 1 : 0 }, signs.map { $0 > 0 ? 0 : 1 }]
    } else {
      normals = [signs.map { $0 > 0 ? normal[0] : normal[1] }]
    }
    func values(_ weights: [Double], _ scale: Double) -> [Double] {
      var magnitudes = zip(weights, signs).map { $0.0 * $0.1 / scale }
      // The normals are orthogonal, so one after the other projects on all.
      for normal in normals {
        let room = zip(normal, codes).reduce(0) { $0 + $1.0 * Double($1.1.magnitude) }
        let excess = zip(normal, magnitudes).reduce(-room) { $0 + $1.0 * $1.1 }
        let square = normal.reduce(0) { $0 + $1 * $1 }
        for index in magnitudes.indices {
          magnitudes[index] -= normal[index] * excess / square
        }
      }
      return zip(magnitudes, signs).map { $0.0 * $0.1 * scale }
    }
    func loss(_ weights: [Double], _ scale: Double) -> Double {
      zip(values(weights, scale), upstream).reduce(0) { $0 + $1.0 * Double($1.1) }
    }
    let point = weights.map(Double.init)
    for index in point.indices {
      var (above, below) = (point, point)
      above[index] += 1e-4
      below[index] -= 1e-4
      let slope = (loss(above, Double(scale)) - loss(below, Double(scale))) / 2e-4
      #expect(abs(Double(result.weights[index]) - slope) <= 1e-4)
    }
    let step = 1e-6
    let slope = (loss(point, Double(scale) + step) - loss(point, Double(scale) - step)) / (2 * step)
    // The integers stand for q where the smooth map has its own magnitudes.
    let smooth = values(point, Double(scale)).map { $0 / Double(scale) }
    let rounding = zip(zip(codes, smooth), upstream).reduce(0) {
      $0 + (Double($1.0.0) - $1.0.1) * Double($1.1)
    }
    #expect(abs(Double(result.log2Scale) / Double(ln2 * scale) - rounding - slope) <= 1e-3)
  }

  @Test func `straight-through gradients reach every weight that is not clipped`() throws {
    let weights: [Float] = [0.2, -3, 200, -0.1]
    let result = gradients(
      weights, [1, 2, 3, 4], scale: 1, try makeBudget(0...1, bits: 3), .straightThrough)
    #expect(result.weights == [1, 2, 0, 4])
  }

  @Test func `the Jacobian stops at the weights that a binding sign left at 0`() throws {
    // S+ is held to 3, S- is free: 5 and 4 keep 2 and 1 units, 0.8 none.
    let weights: [Float] = [5, 4, 0.8, -1, -0.2]
    let result = gradients(
      weights, [1, 2, 3, 4, 5], scale: 1, try makeBudget(0...1, bits: 8, limits: (3, 100)),
      .jacobian)
    #expect(result.weights == [-0.5, 0.5, 0, 4, 5])
  }
}
