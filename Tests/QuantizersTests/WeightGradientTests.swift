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
}
