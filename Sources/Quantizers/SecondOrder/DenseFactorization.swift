import COpenBLAS
import TensorCore

/// The Cholesky factorisation and its solutions, cut like the products of ``DenseAlgebra``.
extension DenseAlgebra {
  /// Factorises a symmetric positive definite matrix L L^T in place: column-major, L in the lower triangle.
  ///
  /// Tile column by tile column: its diagonal tile is factorised, L_ij = A_ij L_jj^-T below it, and
  /// A_ik -= L_ij L_kj^T in what remains.
  ///
  /// - Returns: false where the matrix is not positive definite.
  static func factorize(_ a: UnsafeMutablePointer<Double>, size: Int) -> Bool {
    let spans = Tile.spans(0..<size)
    let stride = Int32(size)
    // Tiles that are written at the same time have no element in common.
    nonisolated(unsafe) let a = a
    @Sendable func tile(_ rows: Range<Int>, _ columns: Range<Int>)
      -> UnsafeMutablePointer<Double>
    { a + columns.lowerBound * size + rows.lowerBound }

    for (index, pivot) in spans.enumerated() {
      let isDefinite = onOneThread {
        var (n, leading, info) = (Int32(pivot.count), stride, Int32(0))
        dpotrf_("L", &n, tile(pivot, pivot), &leading, &info)
        return info == 0
      }
      guard isDefinite else { return false }
      let below = spans[(index + 1)...]
      forEach(below.map { Tile(rows: $0, columns: pivot) }, depth: pivot.count) {
        cblas_dtrsm(
          CblasColMajor, CblasRight, CblasLower, CblasTrans, CblasNonUnit, $0.rowCount,
          $0.columnCount, 1, tile(pivot, pivot), stride, tile($0.rows, pivot), stride)
      }
      let rest = below.flatMap { columns in
        below.filter { $0.lowerBound >= columns.lowerBound }.map {
          Tile(rows: $0, columns: columns)
        }
      }
      forEach(rest, depth: pivot.count) {
        let target = tile($0.rows, $0.columns)
        if $0.isDiagonal {
          cblas_dsyrk(
            CblasColMajor, CblasLower, CblasNoTrans, $0.rowCount, Int32(pivot.count), -1,
            tile($0.rows, pivot), stride, 1, target, stride)
        } else {
          cblas_dgemm(
            CblasColMajor, CblasNoTrans, CblasTrans, $0.rowCount, $0.columnCount,
            Int32(pivot.count), -1, tile($0.rows, pivot), stride, tile($0.columns, pivot), stride,
            1, target, stride)
        }
      }
    }
    return true
  }

  /// Solves L L^T X = B in place for `columns` right-hand sides of `size` consecutive elements each.
  static func solve(
    _ factor: UnsafePointer<Double>, size: Int, _ b: UnsafeMutablePointer<Double>, columns: Int
  ) {
    let tiles = Tile.spans(0..<columns).map { Tile(rows: 0..<size, columns: $0) }
    forEach(tiles, depth: size, sharing: factor, b) { tile, factor, b in
      var (n, count, info) = (Int32(size), tile.columnCount, Int32(0))
      dpotrs_("L", &n, &count, factor, &n, b + tile.columns.lowerBound * size, &n, &info)
    }
  }
}
