import COpenBLAS
import TensorCore

/// Dense products and factorisations by OpenBLAS, which computes with the threads of libgomp that all other
/// loops use, and with one inside a loop that is parallel already.
enum DenseAlgebra {
  /// Makes the calling thread compute with ``Parallelism/threadCount`` threads.
  static func applyThreadCount() { omp_set_num_threads(Int32(Parallelism.threadCount)) }

  /// C += A^T B, row-major, with A `depth` x `rows` and B `depth` x `columns`, each row of both `stride`
  /// elements behind the one before; C is `rows` x `columns`.
  static func addTransposedProduct(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, depth: Int, stride: Int, rows: Int,
    columns: Int, to c: UnsafeMutablePointer<Float>
  ) {
    cblas_sgemm(
      CblasRowMajor, CblasTrans, CblasNoTrans, Int32(rows), Int32(columns), Int32(depth), 1, a,
      Int32(stride), b, Int32(stride), 1, c, Int32(columns))
  }

  /// The upper triangle of C += A^T A, row-major, with A `depth` x `size` of rows `stride` apart.
  static func addSquare(
    _ a: UnsafePointer<Float>, depth: Int, stride: Int, size: Int,
    to c: UnsafeMutablePointer<Float>
  ) {
    cblas_ssyrk(
      CblasRowMajor, CblasUpper, CblasTrans, Int32(size), Int32(depth), 1, a, Int32(stride), 1, c,
      Int32(size))
  }

  /// C = factor C + A B, row-major, with A `rows` x `depth`, B `depth` x `columns`, or `columns` x `depth`
  /// where transposed; strides are elements from row to row.
  static func multiply(
    _ a: UnsafePointer<Float>, stride aStride: Int, _ b: UnsafePointer<Float>, stride bStride: Int,
    transposed: Bool = false, rows: Int, depth: Int, columns: Int,
    into c: UnsafeMutablePointer<Float>, stride cStride: Int, keeping factor: Float = 0
  ) {
    cblas_sgemm(
      CblasRowMajor, CblasNoTrans, transposed ? CblasTrans : CblasNoTrans, Int32(rows),
      Int32(columns), Int32(depth), 1, a, Int32(aStride), b, Int32(bStride), factor, c,
      Int32(cStride))
  }

  /// Factorises a symmetric positive definite matrix L L^T in place: column-major, L in the lower triangle.
  ///
  /// - Returns: false where the matrix is not positive definite.
  static func factorize(_ a: UnsafeMutablePointer<Double>, size: Int) -> Bool {
    var (n, info) = (Int32(size), Int32(0))
    dpotrf_("L", &n, a, &n, &info)
    return info == 0
  }

  /// Solves L L^T X = B in place for `columns` right-hand sides of `size` consecutive elements each.
  static func solve(
    _ factor: UnsafePointer<Double>, size: Int, _ b: UnsafeMutablePointer<Double>, columns: Int
  ) {
    var (n, count, info) = (Int32(size), Int32(columns), Int32(0))
    dpotrs_("L", &n, &count, factor, &n, b, &n, &info)
  }
}
