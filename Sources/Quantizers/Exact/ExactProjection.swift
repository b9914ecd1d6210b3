import AccumulatorBounds
import CKernels

/// The integers nearest to weights among those that a budget allows: for a given scale s the minimum
/// of sum (q_i s - w_i)^2 over |q_i| <= limit, a S+ + b S- <= above, a S- + b S+ <= below.
///
/// The objective is separable and convex, so for given sums S+ and S- the units of largest gain are
/// optimal: soft-thresholding |w| / s by one threshold a sign and rounding to nearest, the threshold
/// the smallest that meets the sum, and what is left filled by largest gain. Where a or b is 0 each
/// sign has its own budget; else ``CoupledBudget`` finds the best sums. O(K) expected; optimal up to
/// the rounding of w / s to single precision.
///
/// With tiles each tile is projected on its own register's budget first, and then the channel, with
/// the tiles' integers as caps, on the outer one's. That too is optimal where each sign has its own
/// budget, since the limits are nested; where signs are coupled it is feasible, and near the optimum.
struct ExactProjection {
  let budget: AccumulatorBudget
  let limit: Int

  /// Projects one channel of finite weights.
  ///
  /// - Precondition: the budget is feasible and the scale positive.
  func project(
    _ row: UnsafeBufferPointer<Float>, scale: Float, into codes: UnsafeMutableBufferPointer<Int8>
  ) {
    guard let tiling = budget.tiling else {
      // Rounding to nearest is the optimum wherever it fits.
      if !budget.inner.contains(SignSums(roundToNearest(row, scale: scale, into: codes))) {
        project(row, scale: scale, caps: nil, on: budget.inner, into: codes)
      }
      return
    }
    if let runs = budget.runs {
      _ = roundToNearest(row, scale: scale, into: codes)
      for run in runs.runs { project(row, run, scale: scale, into: codes) }
    } else {
      for start in stride(from: 0, to: row.count, by: tiling.size) {
        let tile = start..<min(start + tiling.size, row.count)
        project(
          UnsafeBufferPointer(rebasing: row[tile]), scale: scale, caps: nil, on: budget.inner,
          into: UnsafeMutableBufferPointer(rebasing: codes[tile]))
      }
    }
    withUnsafeTemporaryAllocation(of: Int8.self, capacity: codes.count) { caps in
      _ = caps.update(fromContentsOf: codes)
      project(row, scale: scale, caps: caps.baseAddress, on: budget.channel, into: codes)
    }
  }

  private func roundToNearest(
    _ row: UnsafeBufferPointer<Float>, scale: Float, into codes: UnsafeMutableBufferPointer<Int8>
  ) -> snug_row_sums {
    snug_row_to_nearest(
      row.baseAddress, row.count,
      snug_row_map(centre: 0, pre_scale: scale, offset: 0, limit: Float(limit), scale: scale),
      codes.baseAddress, nil)
  }

  /// Brings the integers of some positions into a tile's register; none grows by it.
  private func project(
    _ row: UnsafeBufferPointer<Float>, _ run: [Int], scale: Float,
    into codes: UnsafeMutableBufferPointer<Int8>
  ) {
    if let sums = SignSums(run.lazy.map { codes[$0] }), budget.inner.contains(sums) { return }
    withUnsafeTemporaryAllocation(of: Float.self, capacity: run.count) { values in
      withUnsafeTemporaryAllocation(of: Int8.self, capacity: 2 * run.count) { bytes in
        let caps = UnsafeMutableBufferPointer(rebasing: bytes[..<run.count])
        let integers = UnsafeMutableBufferPointer(rebasing: bytes[run.count...])
        for (place, position) in run.enumerated() {
          values[place] = row[position]
          caps[place] = codes[position]
        }
        project(
          UnsafeBufferPointer(values), scale: scale, caps: caps.baseAddress, on: budget.inner,
          into: integers)
        for (place, position) in run.enumerated() { codes[position] = integers[place] }
      }
    }
  }

  /// The thresholds of each sign, in steps: what magnitudes lose before they are rounded, so that they fit
  /// `region`; 0 where nearest integers fit.
  ///
  /// - Parameter caps: integers that are not to be exceeded, one a weight; `nil` for ``limit`` alone.
  /// - Precondition: the region is feasible and the scale positive.
  func thresholds(
    _ row: UnsafeBufferPointer<Float>, scale: Float, region: SignSumRegion,
    caps: UnsafePointer<Int8>? = nil
  ) -> (positive: Float, negative: Float) {
    var thresholds: (positive: Float, negative: Float) = (0, 0)
    withUnits(of: row, scale: scale, caps: caps) { positive, negative, scratch in
      let sums = CoupledBudget(region: region, positive: positive, negative: negative).bestSums()
      thresholds = (
        positive.threshold(budget: sums.positive, scratch: scratch),
        negative.threshold(budget: sums.negative, scratch: scratch)
      )
    }
    return thresholds
  }

  /// Projects weights on one register's region.
  func project(
    _ row: UnsafeBufferPointer<Float>, scale: Float, caps: UnsafePointer<Int8>?,
    on region: SignSumRegion, into codes: UnsafeMutableBufferPointer<Int8>
  ) {
    codes.update(repeating: 0)
    withUnits(of: row, scale: scale, caps: caps) { positive, negative, scratch in
      let sums = CoupledBudget(region: region, positive: positive, negative: negative).bestSums()
      positive.project(budget: sums.positive, isNegative: false, scratch: scratch, into: codes)
      negative.project(budget: sums.negative, isNegative: true, scratch: scratch, into: codes)
    }
  }

  /// Calls `body` with the units of each sign and room for one float a weight.
  private func withUnits(
    of row: UnsafeBufferPointer<Float>, scale: Float, caps: UnsafePointer<Int8>?,
    _ body: (_ positive: UnitSet, _ negative: UnitSet, UnsafeMutablePointer<Float>) -> Void
  ) {
    let size = row.count
    withUnsafeTemporaryAllocation(of: Float.self, capacity: 5 * size) { floats in
      withUnsafeTemporaryAllocation(of: Int32.self, capacity: 2 * size) { indices in
        guard let floats = floats.baseAddress, let indices = indices.baseAddress else { return }
        func collect(_ offset: Int, isNegative: Bool) -> UnitSet {
          let magnitudes = floats + offset * 2 * size
          let most = magnitudes + size
          let index = indices + offset * size
          let count = snug_units_collect(
            row.baseAddress, size, scale, Float(limit), caps, isNegative ? 1 : 0, magnitudes, most,
            index)
          return UnitSet(
            magnitudes: magnitudes, caps: most, indices: index, count: count,
            units: snug_units_count(magnitudes, most, count, 0))
        }
        body(collect(0, isNegative: false), collect(1, isNegative: true), floats + 4 * size)
      }
    }
  }
}
