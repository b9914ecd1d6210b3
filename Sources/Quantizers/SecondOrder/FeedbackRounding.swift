import AccumulatorBounds
import TensorCore

/// Greedy rounding of a group's channels, position by position, each position taking on the errors of those
/// before it and choosing among the integers that the remaining budget allows (OPTQ and GPFQ as
/// ``OutputObjective/Feedback``; kept inside accumulators as by AXE, Colbert et al. 2024, arXiv 2409.17092).
///
/// Before a block of positions, the exact projection of all positions to come on what is left of the budget
/// gives a threshold for each sign, of each tile where there are tiles; values are shrunk by it before they are
/// rounded, so that the first positions don't spend what later ones need. A hard limit, what the sign has left
/// in every register, holds at each step.
/// Errors are passed on within a block at each step and to later blocks by one product, as in OPTQ.
struct FeedbackRounding {
  let layer: WeightLayer
  /// The index of the group's first channel in the layer.
  let firstChannel: Int
  let order: [Int]
  /// ``OutputObjective/feedbackMatrix(_:)``.
  let matrix: [Float]
  let reference: [Float]
  let base: [Float]

  private static let blockLength = 64

  /// Integers for one scale a channel, channels x K in the layer's order of positions.
  ///
  /// - Precondition: budgets are feasible and scales positive.
  func round(scales: [Float]) -> [Float] {
    let k = order.count
    let channels = scales.count
    var integers = [Float](repeating: 0, count: channels * k)
    var errors = integers
    var values = base
    var uses = (0..<channels).map {
      BudgetUse(layer.budget(firstChannel + $0, scale: scales[$0]), length: k)
    }
    for start in stride(from: 0, to: k, by: Self.blockLength) {
      let block = start..<min(start + Self.blockLength, k)
      let budget = uses.first?.budget
      let tiles = budget?.tiling.map {
        TileOrder(order, from: start, tiling: $0, runs: budget?.runs)
      }
      if start > 0 { passOn(errors, before: block, to: &values, channels: channels) }
      integers.withUnsafeMutableBufferPointer { integers in
        errors.withUnsafeMutableBufferPointer { errors in
          values.withUnsafeMutableBufferPointer { values in
            uses.withUnsafeMutableBufferPointer { uses in
              Parallelism.forEachRange(
                count: channels, grain: max(1, 8192 / max(k, 1)), sharing: integers, errors, values,
                uses
              ) { range, integers, errors, values, uses in
                for channel in range {
                  let row = channel * k..<(channel + 1) * k
                  round(
                    block, scale: scales[channel], channel: channel, use: &uses[channel],
                    tiles: tiles,
                    values: UnsafeMutableBufferPointer(rebasing: values[row]),
                    errors: UnsafeMutableBufferPointer(rebasing: errors[row]),
                    integers: UnsafeMutableBufferPointer(rebasing: integers[row]))
                }
              }
            }
          }
        }
      }
    }
    return integers
  }

  /// Adds what a block takes on from all blocks before it.
  private func passOn(
    _ errors: [Float], before block: Range<Int>, to values: inout [Float], channels: Int
  ) {
    let k = order.count
    values.withUnsafeMutableBufferPointer { values in
      errors.withUnsafeBufferPointer { errors in
        matrix.withUnsafeBufferPointer { matrix in
          guard let values = values.baseAddress, let errors = errors.baseAddress,
            let matrix = matrix.baseAddress
          else { return }
          DenseAlgebra.multiply(
            errors, stride: k, matrix + block.lowerBound, stride: k, rows: channels,
            depth: block.lowerBound, columns: block.count, into: values + block.lowerBound,
            stride: k, keeping: 1)
        }
      }
    }
  }

  /// One channel's positions of a block.
  private func round(
    _ block: Range<Int>, scale: Float, channel: Int, use: inout BudgetUse, tiles: TileOrder?,
    values: UnsafeMutableBufferPointer<Float>, errors: UnsafeMutableBufferPointer<Float>,
    integers: UnsafeMutableBufferPointer<Float>
  ) {
    let k = order.count
    let limit = Float(layer.limit)
    let projection = ExactProjection(budget: use.budget, limit: layer.limit)
    reference.withUnsafeBufferPointer { reference in
      matrix.withUnsafeBufferPointer { matrix in
        guard let values = values.baseAddress, let errors = errors.baseAddress,
          let matrix = matrix.baseAddress
        else { return }
        let row = UnsafeBufferPointer(rebasing: reference[channel * k..<(channel + 1) * k])
        let thresholds =
          if let tiles {
            projection.thresholds(row, scale: scale, use: use, order: tiles)
          } else {
            [
              projection.thresholds(
                UnsafeBufferPointer(rebasing: row[block.lowerBound...]), scale: scale,
                region: use.remaining)
            ]
          }
        for t in block {
          let threshold = thresholds[tiles?.tile(of: order[t]) ?? 0]
          let value = values[t] / scale
          let isNegative = value < 0
          let shrunk =
            value.magnitude - (isNegative ? threshold.negative : threshold.positive)
          var magnitude = min(max(shrunk, 0).rounded(.toNearestOrEven), limit)
          let position = order[t]
          if magnitude > 0 {
            let room = use.room(at: position, isNegative: isNegative)
            if Float(room) < magnitude { magnitude = Float(room) }
            use.take(Int64(magnitude), at: position, isNegative: isNegative)
          }
          let integer = isNegative ? -magnitude : magnitude
          integers[position] = integer
          let error = row[t] - integer * scale
          errors[t] = error
          let passed = matrix + t * k
          for later in t + 1..<block.upperBound { values[later] += passed[later] * error }
        }
      }
    }
  }
}
