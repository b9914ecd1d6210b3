import AccumulatorBounds
import Testing

@testable import Quantizers

/// Gradients of the norm-constrained weight quantizers against vectors made with Brevitas.
@Suite struct WeightGradientTests {
  /// Stored vectors are single precision, and so is a term of a sum that cancels.
  private func expectClose(
    _ actual: [Float], _ expected: [Float], absolute: Float = 1e-5,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let largest = expected.map(\.magnitude).max() ?? 0
    for (a, b) in zip(actual, expected) {
      #expect(abs(a - b) <= 1e-5 * abs(b) + absolute * largest, sourceLocation: sourceLocation)
    }
  }

  @Test(arguments: GoldenCase.weights.filter(\.isReference))
  func `gradients are the stored ones`(golden: GoldenCase) throws {
    let layer = try golden.layer()
    let channels = try golden.storedChannels()
    let offsets = try golden.floats("pre_zero_point")
    let weights = try golden.rows("w_used")
    let upstream = try golden.rows("upstream")
    let ties = try golden.integers("clamp_cmp")
    var gradient = [Float](repeating: .nan, count: layer.count)
    var results: [NormChannel.Gradients] = []
    for index in channels.indices {
      let channel = channels[index]
      // The pre-scale decides which weights are clipped, the stored centre how signs fall.
      #expect(abs(channel.centre / channel.preScale - offsets[index]) <= 1e-5 * abs(offsets[index]))
      results.append(
        gradient.withMutableBuffer { gradient in
          weights.withBuffer { weights in
            upstream.withBuffer { upstream in
              channel.gradients(
                row: layer.row(index, of: weights), upstream: layer.row(index, of: upstream),
                centred: golden.isCentred, limit: layer.limit,
                into: layer.row(index, of: gradient))
            }
          }
        })
      let derivative: Float = ties[index] < 0 ? 1 : ties[index] > 0 ? 0 : 0.5
      #expect(channel.clampDerivative == derivative)
    }
    expectClose(gradient, try golden.rows("grad_w"), absolute: 1e-6)
    expectClose(results.map(\.log2Norm), try golden.floats("grad_g_log2"))
    expectClose(results.map(\.log2Scale), try golden.floats("grad_s_post_log2"))
    expectClose(results.map(\.log2InnerScale), try golden.floats("grad_s_pre_log2"))
    expectClose(
      results.map { $0.log2Scale + $0.log2InnerScale }, try golden.floats("grad_s_log2_tied"))
  }

  @Test(arguments: GoldenCase.weights.filter { $0.isReference && $0.isTied })
  func `the regulariser and its gradients are the stored ones`(golden: GoldenCase) throws {
    let quantizer = try golden.quantizer()
    let parameters = ChannelParameters(
      log2Scale: try golden.floats("s_log2"), log2Norm: try golden.floats("g_log2"))
    var scale = [Float](repeating: 1, count: quantizer.layer.channels)
    var norm = scale
    let penalty = scale.withMutableBuffer { scale in
      norm.withMutableBuffer { norm in
        parameters.withView {
          quantizer.penalty(
            $0, factor: 1,
            addingTo: GradientBuffers(
              weights: .init(start: nil, count: 0), log2Scale: scale, log2Norm: norm))
        }
      }
    }
    expectClose([Float(penalty)], try golden.floats("reg_penalty"))
    expectClose(norm.map { $0 - 1 }, try golden.floats("reg_grad_g_log2"))
    expectClose(scale.map { $0 - 1 }, try golden.floats("reg_grad_s_pre_log2"))
  }

  /// The forward map without rounding and clipping, in double precision: what straight-through
  /// gradients are the derivatives of.
  private func smooth(
    _ weights: [Double], scale: Double, norm: Double, bound: Double, centred: Bool
  ) -> [Double] {
    let mean = centred ? weights.reduce(0, +) / Double(weights.count) : 0
    let distance = weights.reduce(0) { $0 + abs($1 - mean) }
    let clamped = min(norm / scale, bound)
    return weights.map { ($0 - mean) / distance * clamped * scale }
  }

  @Test(arguments: [false, true], [-0.5, 0.5])
  func `gradients are the derivatives of the map without rounding`(centred: Bool, excess: Float)
    throws
  {
    let layer = WeightLayer(
      channels: 1, length: 24, bits: 8, budget: try makeBudget(0...15, bits: 14))
    let core = NormConstrainedQuantizer(layer, bound: .a2qPlus, centred: centred)
    var generator = SplitMix(seed: 31)
    let weights = (0..<24).map { _ in generator.normal() }
    let upstream = (0..<24).map { _ in generator.normal() }
    let scale: Float = -4
    // A norm below the bound, or above it.
    let norm = log2(core.bounds[0]) + scale + excess
    let parameters = ChannelParameters(log2Scale: [scale], log2Norm: [norm])
    var gradient = [Float](repeating: .nan, count: 24)
    var ofScale: [Float] = [.nan]
    var ofNorm: [Float] = [.nan]
    gradient.withMutableBuffer { gradient in
      ofScale.withMutableBuffer { ofScale in
        ofNorm.withMutableBuffer { ofNorm in
          weights.withBuffer { weights in
            upstream.withBuffer { upstream in
              parameters.withView {
                core.backward(
                  weights, $0, upstream: upstream,
                  into: .init(weights: gradient, log2Scale: ofScale, log2Norm: ofNorm))
              }
            }
          }
        }
      }
    }
    let linearNorm = Double(exp2(norm))
    func loss(_ weights: [Double], _ norm: Double) -> Double {
      let values = smooth(
        weights, scale: Double(exp2(scale)), norm: norm, bound: Double(core.bounds[0]),
        centred: centred)
      return zip(values, upstream).reduce(0) { $0 + $1.0 * Double($1.1) }
    }
    let point = weights.map(Double.init)
    for index in point.indices {
      var (above, below) = (point, point)
      above[index] += 1e-5
      below[index] -= 1e-5
      let slope = (loss(above, linearNorm) - loss(below, linearNorm)) / 2e-5
      #expect(abs(Double(gradient[index]) - slope) <= 1e-4 * max(abs(slope), 0.1))
    }
    let step = linearNorm * 1e-6
    let slope = (loss(point, linearNorm + step) - loss(point, linearNorm - step)) / (2 * step)
    #expect(abs(Double(ofNorm[0]) - slope * linearNorm * Double(ln2)) <= 1e-4 * 0.1)
    #expect(ofScale[0].isFinite)
  }

  /// The map of a channel in tiles, without rounding or clipping, in double precision.
  private func smooth(
    _ weights: [Double], tile: Int, scale: Double, norm: Double, bound: Double, tileBound: Double,
    centred: Bool
  ) -> [Double] {
    let tiles = stride(from: 0, to: weights.count, by: tile).map { start in
      let part = Array(weights[start..<min(start + tile, weights.count)])
      let mean = centred ? part.reduce(0, +) / Double(part.count) : 0
      return part.map { $0 - mean }
    }
    let distances = tiles.map { $0.reduce(0) { $0 + abs($1) } }
    let clamped = min(norm / scale, bound)
    return zip(tiles, distances).flatMap { tile, distance in
      let share = min(clamped * distance / distances.reduce(0, +), tileBound)
      return tile.map { $0 / distance * share * scale }
    }
  }

  @Test(arguments: [false, true], [Float(0.6), 1, 1.5])
  func `gradients in tiles are the derivatives of the map without rounding`(
    centred: Bool, share: Float
  ) throws {
    let budget = try makeBudget(0...15, bits: 10, tile: (7, 14))
    let layer = WeightLayer(channels: 1, length: 24, bits: 8, budget: budget)
    let core = NormConstrainedQuantizer(layer, bound: .a2qPlus, centred: centred)
    var generator = SplitMix(seed: 37)
    // The first tile is large, so that its own bound is the first to bind.
    let weights = (0..<24).map { generator.normal() * ($0 < 7 ? 2 : 1) }
    let upstream = (0..<24).map { _ in generator.normal() }
    let tileBound = Double(Float(NormBound.a2qPlus.tileLimit(budget)).nextDown)
    let scale: Float = -4
    let norm = log2(Float(tileBound) * 2.2 * share) + scale
    let parameters = ChannelParameters(log2Scale: [scale], log2Norm: [norm])
    var gradient = [Float](repeating: .nan, count: 24)
    var ofScale: [Float] = [.nan]
    var ofNorm: [Float] = [.nan]
    gradient.withMutableBuffer { gradient in
      ofScale.withMutableBuffer { ofScale in
        ofNorm.withMutableBuffer { ofNorm in
          weights.withBuffer { weights in
            upstream.withBuffer { upstream in
              parameters.withView {
                core.backward(
                  weights, $0, upstream: upstream,
                  into: .init(weights: gradient, log2Scale: ofScale, log2Norm: ofNorm))
              }
            }
          }
        }
      }
    }
    let linearNorm = Double(exp2(norm))
    func loss(_ weights: [Double], _ norm: Double) -> Double {
      let values = smooth(
        weights, tile: 7, scale: Double(exp2(scale)), norm: norm, bound: Double(core.bounds[0]),
        tileBound: tileBound, centred: centred)
      return zip(values, upstream).reduce(0) { $0 + $1.0 * Double($1.1) }
    }
    let point = weights.map(Double.init)
    for index in point.indices {
      var (above, below) = (point, point)
      above[index] += 1e-5
      below[index] -= 1e-5
      let slope = (loss(above, linearNorm) - loss(below, linearNorm)) / 2e-5
      #expect(abs(Double(gradient[index]) - slope) <= 1e-4 * max(abs(slope), 0.1))
    }
    let step = linearNorm * 1e-6
    let slope = (loss(point, linearNorm + step) - loss(point, linearNorm - step)) / (2 * step)
    let expected = slope * linearNorm * Double(ln2)
    #expect(abs(Double(ofNorm[0]) - expected) <= 1e-3 * max(abs(expected), 0.1))
    #expect(ofScale[0].isFinite)
  }

  @Test func `the plain quantizer passes gradients inside its range and none outside`() throws {
    let layer = WeightLayer(
      channels: 1, length: 4, bits: 3, budget: try makeBudget(0...1, bits: 8))
    let weights: [Float] = [0.6, -1.1, 9, -9]
    let upstream: [Float] = [1, 2, 3, 4]
    var gradient = [Float](repeating: .nan, count: 4)
    var ofScale: [Float] = [.nan]
    gradient.withMutableBuffer { gradient in
      ofScale.withMutableBuffer { ofScale in
        weights.withBuffer { weights in
          upstream.withBuffer { upstream in
            ChannelParameters(log2Scale: [-1], log2Norm: []).withView {
              UnconstrainedQuantizer(layer).backward(
                weights, $0, upstream: upstream,
                into: .init(
                  weights: gradient, log2Scale: ofScale, log2Norm: .init(start: nil, count: 0)))
            }
          }
        }
      }
    }
    #expect(gradient == [1, 2, 0, 0])
    let terms: [Float] = [1 - 1.2, 2 * (-2 + 2.2), 3 * 3, 4 * -3]
    #expect(abs(ofScale[0] - terms.reduce(0, +) * ln2 * 0.5) < 1e-5)
  }
}
