import Testing

@testable import Quantizers

@Suite struct L1ProjectionTests {
  /// The published algorithm (Duchi et al. 2008) with its sort, in the precisions of numpy.
  static func reference(_ weights: [Float], radius: Float) -> [Float] {
    let sorted = weights.map(\.magnitude).sorted(by: >)
    var running: Float = 0
    var threshold = Double.infinity
    for (index, value) in sorted.enumerated() {
      running += value
      if Double(value) * Double(index + 1) > Double(running - radius) {
        threshold = Double(running - radius) / Double(index + 1)
      }
    }
    return weights.map {
      let rest = Float(max(Double($0.magnitude) - threshold, 0))
      return $0 < 0 ? -rest : rest
    }
  }

  private func project(_ weights: [Float], radius: Float) -> [Float] {
    var weights = weights
    weights.withMutableBuffer { L1Projection.project($0, radius: radius) }
    return weights
  }

  @Test(
    arguments: [1, 2, 3, 7, 8, 9, 63, 576, 4608],
    ["normal", "heavy", "ties", "equal", "few large", "shifted", "tiny"])
  func `the weights are bit for bit those of a full sort`(count: Int, kind: String) throws {
    var generator = SplitMix(seed: UInt64(count))
    let weights = (0..<count).map { index -> Float in
      let normal = generator.normal()
      return switch kind {
      case "heavy": normal / (generator.uniform() + 1e-4)
      case "ties": (normal * 4).rounded() / 4
      case "equal": normal < 0 ? -0.1 : 0.1
      case "few large": index % 97 == 0 ? normal * 1000 : normal * 1e-3
      case "shifted": 1 + normal * 1e-6
      case "tiny": normal * Float.leastNonzeroMagnitude * 1000
      default: normal
      }
    }
    let norm = weights.reduce(0) { $0 + $1.magnitude }
    for share: Float in [0.9999, 0.9, 0.5, 0.1, 0.003] {
      let radius = norm * share
      guard radius > 0 else { continue }
      let expected = Self.reference(weights, radius: radius)
      #expect(project(weights, radius: radius) == expected, "\(share) of \(norm)")
    }
  }

  @Test func `weights inside the ball stay, a radius of 0 leaves nothing`() throws {
    #expect(project([1, -2, 0.5], radius: 3.5) == [1, -2, 0.5])
    #expect(project([1, -2, 0.5], radius: 0) == [0, 0, 0])
    #expect(project([], radius: 1) == [])
  }

  @Test func `no point of the ball is nearer`() throws {
    // The optimum is characterised by one threshold: active weights shrink by it, others are below.
    let weights: [Float] = [3, -1, 0.5, 2, -0.25]
    let projected = project(weights, radius: 4)
    #expect(projected.reduce(0) { $0 + $1.magnitude } == 4)
    let active = zip(weights, projected).filter { $0.1 != 0 }
    let threshold = active[0].0.magnitude - active[0].1.magnitude
    for (before, after) in zip(weights, projected) {
      if after == 0 {
        #expect(before.magnitude <= threshold)
      } else {
        #expect(abs(before.magnitude - after.magnitude - threshold) < 1e-6)
      }
    }
  }
}
