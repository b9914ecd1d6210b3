import CKernels
import TensorCore

/// The arithmetic of a per-tensor activation quantizer on plain buffers, in parallel.
///
/// Results don't depend on the number of threads.
package struct ActivationQuantizer: Sendable, Hashable {
  package let format: ActivationFormat
  /// s, positive and finite.
  package let scale: Float

  package init(format: ActivationFormat, scale: Float) {
    self.format = format
    self.scale = scale
  }

  /// Elements that one call of a kernel takes.
  private static let chunk = 1 << 15

  private var map: snug_activation_map {
    snug_activation_map(
      scale: scale, minimum: Float(format.minimum), maximum: Float(format.maximum))
  }

  /// Quantizes and dequantizes: y = q s, NaN where `x` is.
  ///
  /// - Parameters:
  ///   - codes: where the integers go, if anywhere; qmin for NaN.
  ///   - values: where y goes, if anywhere; may be the memory of `x`.
  package func forward(
    _ x: UnsafeBufferPointer<Float>, codes: UnsafeMutableBufferPointer<Int16>? = nil,
    values: UnsafeMutableBufferPointer<Float>? = nil
  ) {
    precondition(codes.map { $0.count >= x.count } ?? true, "too few codes")
    precondition(values.map { $0.count >= x.count } ?? true, "too few values")
    Parallelism.forEachRange(count: x.count, grain: Self.chunk, sharing: x, codes, values) {
      range, x, codes, values in
      // Codes first, since values may overwrite x.
      if let codes = codes?.baseAddress {
        snug_activation_forward(
          x.baseAddress.map { $0 + range.lowerBound }, range.count, map,
          codes + range.lowerBound, nil)
      }
      if let values = values?.baseAddress {
        snug_activation_forward(
          x.baseAddress.map { $0 + range.lowerBound }, range.count, map, nil,
          values + range.lowerBound)
      }
    }
  }
}
