import AccumulatorBounds
import CKernels
import Testing

@testable import Quantizers

/// Forward passes and initialisation against vectors made with Brevitas.
@Suite struct WeightGoldenTests {
  /// A norm that Brevitas sums in single precision is a few units in the last place off.
  static let normTolerance: Float = 1e-6

  @Test func `there are golden cases of every kind`() {
    #expect(GoldenCase.weights.count >= 12)
    #expect(GoldenCase.activations.count >= 3)
    #expect(Set(GoldenCase.weights.map { $0.string("kind") }).count == 6)
  }

  @Test(arguments: GoldenCase.weights)
  func `the bound is the stored one`(golden: GoldenCase) throws {
    let bound = try golden.floats("T")[0]
    #expect(try golden.core().bounds[0] == bound)
  }

  @Test(arguments: GoldenCase.weights)
  func `initial scale and norm are the stored ones`(golden: GoldenCase) throws {
    let weights = try golden.rows("w")
    let parameters = try weights.withBuffer { try golden.layer().parameters($0) }
    let scales = try golden.floats("s_log2_init")
    let norms = try golden.floats("g_log2_init")
    for channel in scales.indices where scales[channel].isFinite {
      #expect(parameters.log2Scale[channel] == scales[channel])
      #expect(abs(parameters.log2Norm[channel] - norms[channel]) <= Self.normTolerance)
    }
  }

  @Test(arguments: GoldenCase.weights.filter(\.isReference))
  func `ratio, clamp and pre-scale follow bit for bit from the stored sums`(golden: GoldenCase)
    throws
  {
    let channels = try golden.storedChannels()
    #expect(try channels.map(\.ratio) == golden.floats("g_over_s"))
    #expect(try channels.map(\.clamped) == golden.floats("g_clamped"))
    #expect(try channels.map(\.preScale) == golden.floats("pre_scale"))
  }

  @Test(arguments: GoldenCase.weights.filter(\.isReference))
  func `integers and values follow bit for bit from the stored pre-scale`(golden: GoldenCase)
    throws
  {
    let layer = try golden.layer()
    let preScale = try golden.floats("pre_scale")
    let preZeroPoint = try golden.floats("pre_zero_point")
    let scale = try golden.floats("s")
    var codes = [Int8](repeating: 0, count: layer.count)
    var values = [Float](repeating: 0, count: layer.count)
    try golden.rows("w_used").withUnsafeBufferPointer { weights in
      for channel in 0..<layer.channels {
        // Brevitas adds the zero point after the division.
        let map = snug_row_map(
          centre: 0, pre_scale: preScale[channel], offset: preZeroPoint[channel],
          limit: Float(layer.limit), scale: scale[channel])
        let row = layer.row(channel, of: weights)
        _ = codes.withUnsafeMutableBufferPointer { codes in
          values.withUnsafeMutableBufferPointer { values in
            snug_row_toward_zero(
              row.baseAddress, row.count, map, layer.row(channel, of: codes).baseAddress,
              layer.row(channel, of: values).baseAddress)
          }
        }
      }
    }
    #expect(try codes.map(Int.init) == golden.integerRows("q"))
    #expect(try values == golden.rows("w_dequant"))
  }

  @Test(arguments: GoldenCase.weights.filter { $0.isReference && $0.isTied })
  func `integers equal outside the boundary and are within 1 inside`(golden: GoldenCase) throws {
    let quantizer = try golden.quantizer()
    let parameters = ChannelParameters(
      log2Scale: try golden.floats("s_log2"), log2Norm: try golden.floats("g_log2"))
    let result = try quantizer.quantize(golden.rows("w_used"), parameters)
    #expect(result.summary.repairedUnits == 0)
    #expect(try result.scales == golden.floats("s"))
    let expected = try golden.integerRows("q")
    let boundary = try golden.integerRows("boundary")
    for index in expected.indices {
      let distance = abs(Int(result.codes[index]) - expected[index])
      #expect(distance <= (boundary[index] == 0 ? 0 : 1), "\(index)")
    }
  }

  /// `s` is floored where Brevitas stores it; the cases where the two scales differ are
  /// quantized from channels with both.
  @Test(arguments: GoldenCase.weights.filter { $0.isReference && !$0.isTied })
  func `a scale of its own inside the norm gives the stored integers`(golden: GoldenCase) throws {
    let layer = try golden.layer()
    let scale = try golden.floats("s")
    let inner = try golden.floats("s_pre")
    let norm = try golden.floats("g")
    let bound = try golden.floats("T")[0]
    let expected = try golden.integerRows("q")
    let boundary = try golden.integerRows("boundary")
    try golden.rows("w_used").withUnsafeBufferPointer { weights in
      for index in 0..<layer.channels {
        let row = layer.row(index, of: weights)
        let channel = NormChannel(
          row: row, centred: golden.isCentred, scale: scale[index], innerScale: inner[index],
          norm: norm[index], bound: bound)
        let codes = [Int8](unsafeUninitializedCapacity: layer.length) { codes, count in
          count = layer.length
          _ = snug_row_toward_zero(
            row.baseAddress, row.count, channel.map(limit: layer.limit), codes.baseAddress, nil)
        }
        for (offset, code) in codes.enumerated() {
          let position = index * layer.length + offset
          #expect(abs(Int(code) - expected[position]) <= (boundary[position] == 0 ? 0 : 1))
        }
      }
    }
  }

  @Test(arguments: GoldenCase.weights.filter { $0.string("state") == "ep" })
  func `projected weights and norms are the stored ones`(golden: GoldenCase) throws {
    let quantizer = try golden.quantizer()
    let (parameters, weights) = try quantizer.initialized(golden.rows("w"), .projection)
    let norms = try golden.floats("g_log2_ep")
    let initial = try golden.floats("g_log2_init")
    for channel in norms.indices {
      let tolerance = norms[channel] < initial[channel] ? 0 : Self.normTolerance
      #expect(abs(parameters.log2Norm[channel] - norms[channel]) <= tolerance)
    }
    if !["conv1d", "conv_transpose2d"].contains(golden.string("kind")) {
      #expect(try weights == golden.rows("w_ep"))
    } else {
      // Brevitas leaves these kinds unprojected.
      let bound = try golden.floats("T")[0]
      #expect(try golden.rows("w") == golden.rows("w_ep"))
      for channel in 0..<quantizer.layer.channels {
        let range = channel * quantizer.layer.length..<(channel + 1) * quantizer.layer.length
        let norm = weights[range].reduce(0) { $0 + Double($1.magnitude) }
        let radius = exp2(parameters.log2Scale[channel]) * bound
        #expect(norm <= Double(radius) * (1 + 1e-6))
      }
    }
  }

  @Test(arguments: GoldenCase.weights, WeightInitialization.allCases)
  func `no channel can overflow`(golden: GoldenCase, initialization: WeightInitialization) throws {
    let quantizer = try golden.quantizer()
    let (parameters, weights) = try quantizer.initialized(golden.rows("w"), initialization)
    let result = try quantizer.quantize(weights, parameters)
    for channel in 0..<quantizer.layer.channels {
      let row = result.codes[
        channel * quantizer.layer.length..<(channel + 1) * quantizer.layer.length]
      let sums = try #require(SignSums(row))
      let budget = quantizer.layer.budget(channel)
      #expect(WorstCase(of: sums, input: budget.input).fits(budget.accumulator))
    }
  }

  @Test(arguments: GoldenCase.weights.filter { $0.string("category") == "edge_zero_channel" })
  func `an all-zero channel gives zeros and no others do`(golden: GoldenCase) throws {
    let quantizer = try golden.quantizer()
    let (parameters, weights) = try quantizer.initialized(golden.rows("w"), .clamp)
    let result = try quantizer.quantize(weights, parameters)
    #expect(result.summary.degenerateChannels == 1)
    let length = quantizer.layer.length
    #expect(result.codes[2 * length..<3 * length].allSatisfy { $0 == 0 })
    #expect(parameters.log2Scale.allSatisfy { $0.isFinite })
    #expect(parameters.log2Norm.allSatisfy { $0.isFinite })
    let expected = try golden.rows("w_dequant")
    for channel in [0, 1, 3, 4, 5] {
      let range = channel * length..<(channel + 1) * length
      let steps = range.map {
        abs(Float(result.codes[$0]) - expected[$0] / result.scales[channel]).rounded()
      }
      // The largest weight may fall on either side of its integer.
      #expect(steps.max() ?? 0 <= 1 && steps.count { $0 != 0 } <= 1)
    }
  }

  @Test(arguments: GoldenCase.weights.filter { $0.string("category") == "edge_constant_channel" })
  func `beside a constant channel the ordinary ones keep their integers`(golden: GoldenCase) throws
  {
    let quantizer = try golden.quantizer()
    let parameters = ChannelParameters(
      log2Scale: try golden.floats("s_log2"), log2Norm: try golden.floats("g_log2"))
    let result = try quantizer.quantize(golden.rows("w_used"), parameters)
    let expected = try golden.integerRows("q")
    let boundary = try golden.integerRows("boundary")
    let length = quantizer.layer.length
    for index in expected.indices where [0, 2, 5].contains(index / length) {
      #expect(abs(Int(result.codes[index]) - expected[index]) <= (boundary[index] == 0 ? 0 : 1))
    }
    #expect(result.summary.degenerateChannels >= 2)
  }
}
