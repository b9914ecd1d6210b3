import CKernels

/// One channel of a norm-constrained quantizer whose products are summed in tiles.
///
///     z_t = -mean(w in tile t)    d_t = |w + z_t|_1    d = sum of d_t    k = min(g / s, T)
///     k_t = min(k d_t / d, T')    y = k_t (w + z_t) / d_t
///
/// T is the limit of the outer register, T' that of a tile's. Each tile has a share of the channel's norm in
/// proportion to its own, as far as it fits; z_t is 0 where the method does not centre, and for a tile of one
/// weight, which centring would erase.
struct TiledNormChannel {
  /// T' of a tile.
  struct TileBound: Sendable {
    /// Where the tile's weights are as the method wants them.
    let regular: Float
    /// Of a tile of one weight that the method would centre.
    let single: Float
  }

  /// g, s, T, d and k; no centre.
  let whole: NormChannel
  private let row: UnsafeBufferPointer<Float>
  private let length: Int
  private let centred: Bool
  private let bound: TileBound

  /// - Parameters:
  ///   - length: weights a tile.
  ///   - bound: T.
  init(
    row: UnsafeBufferPointer<Float>, length: Int, centred: Bool, scale: Float, norm: Float,
    bound: Float, tileBound: TileBound
  ) {
    self.row = row
    self.length = length
    self.centred = centred
    self.bound = tileBound
    var distance = 0.0
    for start in stride(from: 0, to: row.count, by: length) {
      let range = start..<min(start + length, row.count)
      distance += Double(Self.spread(row, range, centred: centred).distance)
    }
    whole = NormChannel(
      scale: scale, innerScale: scale, norm: norm, bound: bound, centre: 0,
      distance: Float(distance))
  }

  private struct Tile {
    let range: Range<Int>
    let centre: Float
    /// d_t, or 0 where what is left of the tile is rounding noise.
    let distance: Float
    /// d_t / k_t.
    let preScale: Float
    /// Whether T' binds.
    let isTight: Bool
    let isCentred: Bool

    /// True where every integer of the tile is 0.
    var isDegenerate: Bool { distance == 0 || !(preScale >= Float.leastNormalMagnitude) }

    func map(limit: Int, scale: Float) -> snug_row_map {
      snug_row_map(
        centre: centre, pre_scale: preScale, offset: 0, limit: Float(limit), scale: scale)
    }
  }

  /// z_t and d_t.
  private static func spread(
    _ row: UnsafeBufferPointer<Float>, _ range: Range<Int>, centred: Bool
  ) -> (centre: Float, distance: Float) {
    guard let base = row.baseAddress else { return (0, 0) }
    let isCentred = centred && range.count > 1
    let first = base + range.lowerBound
    let centre =
      isCentred ? Float(-snug_row_sum(first, range.count) / Double(range.count)) : 0
    let absolute = snug_row_absolute(first, range.count, centre)
    let noise = isCentred ? Float(range.count) * Float.ulpOfOne * absolute.largest : 0
    let distance = Float(absolute.sum)
    return (centre, distance <= noise ? 0 : distance)
  }

  private func forEachTile(_ body: (Tile) -> Void) {
    for start in stride(from: 0, to: row.count, by: length) {
      let range = start..<min(start + length, row.count)
      let (centre, distance) = Self.spread(row, range, centred: centred)
      let isSingle = centred && range.count == 1
      let most = isSingle ? bound.single : bound.regular
      let isTight = distance / whole.preScale > most
      body(
        Tile(
          range: range, centre: centre, distance: distance,
          preScale: isTight ? distance / most : whole.preScale, isTight: isTight,
          isCentred: centred && !isSingle))
    }
  }

  /// Rounds toward zero into `codes`, and into `values` what they stand for.
  func quantize(
    limit: Int, codes: UnsafeMutableBufferPointer<Int8>,
    values: UnsafeMutableBufferPointer<Float>?
  ) {
    forEachTile { tile in
      let first = tile.range.lowerBound
      guard !tile.isDegenerate else {
        for index in tile.range { codes[index] = 0 }
        for index in tile.range { values?[index] = 0 }
        return
      }
      _ = snug_row_toward_zero(
        row.baseAddress.map { $0 + first }, tile.range.count,
        tile.map(limit: limit, scale: whole.scale), codes.baseAddress.map { $0 + first },
        values?.baseAddress.map { $0 + first })
    }
  }

  /// Gradients as of ``NormChannel/gradients(row:upstream:centred:limit:into:)``: k, and through it d of all tiles,
  /// moves those tiles alone in which T' doesn't bind; a tile in which it does has its own d_t in place of d.
  func gradients(
    upstream: UnsafeBufferPointer<Float>, limit: Int,
    into weights: UnsafeMutableBufferPointer<Float>
  ) -> NormChannel.Gradients {
    guard !whole.isDegenerate else {
      weights.update(repeating: 0)
      return NormChannel.Gradients()
    }
    func reduce(_ tile: Tile) -> snug_row_gradient_sums {
      let first = tile.range.lowerBound
      return snug_row_gradient_reduce(
        row.baseAddress.map { $0 + first }, upstream.baseAddress.map { $0 + first },
        tile.range.count, tile.map(limit: limit, scale: whole.scale))
    }
    var (loose, codes) = (0.0, 0.0)
    forEachTile { tile in
      guard !tile.isDegenerate else { return }
      let sums = reduce(tile)
      codes += sums.codes
      if !tile.isTight { loose += sums.passed_y }
    }
    let perWhole = -loose / Double(whole.distance)
    forEachTile { tile in
      guard !tile.isDegenerate else {
        for index in tile.range { weights[index] = 0 }
        return
      }
      let sums = reduce(tile)
      let perDistance =
        perWhole - (tile.isTight ? sums.passed_y / Double(tile.distance) : 0)
      let mean =
        tile.isCentred
        ? (sums.passed / Double(tile.preScale) + sums.signs * perDistance)
          / Double(tile.range.count) : 0
      let first = tile.range.lowerBound
      snug_row_gradient(
        row.baseAddress.map { $0 + first }, upstream.baseAddress.map { $0 + first },
        tile.range.count, tile.map(limit: limit, scale: whole.scale), Float(perDistance),
        Float(mean), weights.baseAddress.map { $0 + first })
    }
    let perRatio =
      Double(whole.clampDerivative) * loose / Double(whole.clamped) * Double(ln2)
      * Double(whole.ratio)
    return NormChannel.Gradients(
      log2Norm: Float(perRatio), log2Scale: Float(codes * Double(ln2) * Double(whole.scale)),
      log2InnerScale: Float(-perRatio))
  }
}
