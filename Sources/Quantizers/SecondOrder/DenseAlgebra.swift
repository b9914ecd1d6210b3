import COpenBLAS
import TensorCore

/// Dense products by OpenBLAS with the same bits for any number of threads.
///
/// Left to itself OpenBLAS cuts a product by the number of its threads, and the order in which an element is
/// summed follows from the cut. So the result is cut here, into tiles that depend on sizes alone; each is one
/// call on one thread, and tiles are computed in parallel.
enum DenseAlgebra {
  /// Rows and columns of a tile of the result: large enough that a call spends little on packing its operands,
  /// small enough that a layer of some hundred inputs occupies all threads.
  static let tileLength = 128
  /// Multiplications below which a thread of its own costs more than it saves.
  private static let grain = 1 << 18

  /// C += A^T B, row-major, with A `depth` x `rows` and B `depth` x `columns`, each row of both `stride`
  /// elements behind the one before; C is `rows` x `columns`.
  static func addTransposedProduct(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, depth: Int, stride: Int, rows: Int,
    columns: Int, to c: UnsafeMutablePointer<Float>
  ) {
    forEach(Tile.covering(rows: rows, columns: columns), depth: depth, sharing: a, b, c) {
      tile, a, b, c in
      cblas_sgemm(
        CblasRowMajor, CblasTrans, CblasNoTrans, tile.rowCount, tile.columnCount, Int32(depth), 1,
        a + tile.rows.lowerBound, Int32(stride), b + tile.columns.lowerBound, Int32(stride), 1,
        c + tile.offset(columns), Int32(columns))
    }
  }

  /// The upper triangle of C += A^T A, row-major, with A `depth` x `size` of rows `stride` apart.
  static func addSquare(
    _ a: UnsafePointer<Float>, depth: Int, stride: Int, size: Int,
    to c: UnsafeMutablePointer<Float>
  ) {
    let tiles = Tile.covering(rows: size, columns: size).filter {
      $0.rows.lowerBound <= $0.columns.lowerBound
    }
    forEach(tiles, depth: depth, sharing: a, c) { tile, a, c in
      let target = c + tile.offset(size)
      if tile.isDiagonal {
        cblas_ssyrk(
          CblasRowMajor, CblasUpper, CblasTrans, tile.rowCount, Int32(depth), 1,
          a + tile.rows.lowerBound, Int32(stride), 1, target, Int32(size))
      } else {
        cblas_sgemm(
          CblasRowMajor, CblasTrans, CblasNoTrans, tile.rowCount, tile.columnCount, Int32(depth),
          1, a + tile.rows.lowerBound, Int32(stride), a + tile.columns.lowerBound, Int32(stride),
          1, target, Int32(size))
      }
    }
  }

  /// C = factor C + A B, row-major, with A `rows` x `depth`, B `depth` x `columns`, or `columns` x `depth`
  /// where transposed; strides are elements from row to row.
  static func multiply(
    _ a: UnsafePointer<Float>, stride aStride: Int, _ b: UnsafePointer<Float>, stride bStride: Int,
    transposed: Bool = false, rows: Int, depth: Int, columns: Int,
    into c: UnsafeMutablePointer<Float>, stride cStride: Int, keeping factor: Float = 0
  ) {
    forEach(Tile.covering(rows: rows, columns: columns), depth: depth, sharing: a, b, c) {
      tile, a, b, c in
      cblas_sgemm(
        CblasRowMajor, CblasNoTrans, transposed ? CblasTrans : CblasNoTrans, tile.rowCount,
        tile.columnCount, Int32(depth), 1, a + tile.rows.lowerBound * aStride, Int32(aStride),
        b + tile.columns.lowerBound * (transposed ? bStride : 1), Int32(bStride), factor,
        c + tile.offset(cStride), Int32(cStride))
    }
  }

  /// Calls `body`, which calls OpenBLAS, for each tile of a result that sums `depth` products an element.
  ///
  /// - Parameter shared: what is safe to use from several threads at once.
  static func forEach<each Shared>(
    _ tiles: [Tile], depth: Int, sharing shared: repeat each Shared,
    do body: @Sendable (Tile, repeat each Shared) -> Void
  ) {
    let work = max(1, tileLength * tileLength * max(depth, 1))
    Parallelism.forEachRange(
      count: tiles.count, grain: max(1, grain / work), sharing: repeat each shared
    ) { (range: Range<Int>, shared: repeat each Shared) in
      onOneThread { for tile in tiles[range] { body(tile, repeat each shared) } }
    }
  }

  /// Makes the calls of OpenBLAS in `body` compute on the thread that makes them.
  static func onOneThread<T>(_ body: () -> T) -> T {
    omp_set_num_threads(1)
    // What the thread calls next, of this or another library, computes with as many as are configured.
    defer { omp_set_num_threads(Int32(Parallelism.threadCount)) }
    return body()
  }
}

extension DenseAlgebra {
  /// A part of a matrix.
  struct Tile: Sendable {
    var rows: Range<Int>
    var columns: Range<Int>

    var rowCount: Int32 { Int32(rows.count) }
    var columnCount: Int32 { Int32(columns.count) }
    var isDiagonal: Bool { rows == columns }

    /// The place of the first element in a row-major matrix whose rows are `stride` elements apart.
    func offset(_ stride: Int) -> Int { rows.lowerBound * stride + columns.lowerBound }

    /// The tiles of a matrix, row by row.
    static func covering(rows: Int, columns: Int) -> [Tile] {
      spans(0..<rows).flatMap { row in
        spans(0..<columns).map { Tile(rows: row, columns: $0) }
      }
    }

    /// A range cut into tile lengths.
    static func spans(_ range: Range<Int>) -> [Range<Int>] {
      stride(from: range.lowerBound, to: range.upperBound, by: tileLength).map {
        $0..<min($0 + tileLength, range.upperBound)
      }
    }
  }
}
