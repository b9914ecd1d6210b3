import GraphIR
import TensorCore

/// The shape rules that QuantizeLinear and DequantizeLinear share.
enum LinearQuantization {
  /// Checks that scale and zero point are scalars, or vectors along `axis` of X.
  static func checkParameters(_ inputs: [InputInfo?], axis: Int) throws(OperatorError) {
    for index in 1...2 {
      guard let parameter = inputs.dimensions(index), !parameter.isEmpty else { continue }
      guard parameter.count == 1 else {
        throw .rank(input: index, expected: "0 or 1", actual: parameter.count)
      }
      guard let length = parameter[0].size, length != 1, let x = inputs.dimensions(0) else {
        continue
      }
      let axis = try Axes.normalized(axis, rank: x.count)
      if let size = x[axis].size, size != length {
        throw .mismatch(
          what: "length of input \(index)", expected: "\(size)", actual: "\(length)")
      }
    }
  }

  /// - Throws: ``OperatorError/unsupported`` for the blocked form of opset 21.
  static func checkBlockSize(_ attributes: AttributeReader) throws(OperatorError) {
    if try attributes.int("block_size", default: 0) != 0 {
      throw .unsupported(what: "blocked quantization (block_size)")
    }
  }

  static let quantized: [ElementType] = [.int8, .uint8, .int16, .uint16, .int4, .uint4]
}
