import COneDNN

extension Engine {
  /// The version of oneDNN that is loaded, such as `2.6.3`.
  package static var version: String {
    guard let version = dnnl_version()?.pointee else { return "unknown" }
    return "\(version.major).\(version.minor).\(version.patch)"
  }

  /// The implementation that oneDNN chooses here for a convolution of 3 x 3 taps in single precision, such as
  /// `jit:avx512_core`.
  ///
  /// - Throws: ``EngineError`` where it has none.
  package var convolutionKernel: String {
    get throws(EngineError) {
      let geometry = ConvolutionGeometry(
        strides: [1, 1], dilations: [1, 1], padBegin: [1, 1], padEnd: [1, 1])
      return try PrimitiveDescriptor.convolution(
        self, source: .any([1, 64, 16, 16]), weights: .any([64, 64, 3, 3]), bias: nil,
        destination: .any([1, 64, 16, 16]), geometry
      ).implementation
    }
  }
}
