import COpenBLAS

/// The library of linear algebra that is loaded.
package enum LinearAlgebra {
  /// Its version and how it was built, in its own words.
  package static var build: String { String(cString: openblas_get_config()) }
  /// The kernels that it has chosen for this CPU, such as `SkylakeX`.
  package static var kernels: String { String(cString: openblas_get_corename()) }
}
