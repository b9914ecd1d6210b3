import GraphIR
import TensorCore
import TestSupport
import Testing

@testable import Verification

/// Nonsense in a file must end in a verdict, never in a trap.
@Suite struct HostileModelTests {
  static let operators = [
    "Conv", "ConvTranspose", "Gemm", "MatMul", "ConvInteger", "MatMulInteger", "QLinearConv",
    "QLinearMatMul", "QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "Clip", "Relu",
    "Pad", "Concat", "Where", "Cast", "Mul", "Div", "Reshape", "Flatten", "Squeeze", "Unsqueeze",
    "Transpose", "Resize", "Quant", "BipolarQuant", "MultiThreshold", "Trunc", "Dropout",
    "Constant", "Identity", "Max",
  ]
  static let attributes = [
    "axis", "axes", "perm", "group", "transA", "transB", "to", "mode", "value", "min", "max",
    "signed", "narrow", "rounding_mode", "out_scale", "out_bias", "block_size", "allowzero",
    "output_dtype",
  ]

  @Test func `random graphs end in a verdict`() throws {
    var random = SplitMix64(state: 7)
    for _ in 0..<3000 {
      var builder = GraphBuilder()
      var values: [ValueID?] = [
        nil, builder.input("x"), builder.input("u", TensorType(.uint8, nil)),
      ]
      for _ in 0..<8 { values.append(Self.constant(&builder, &random)) }
      for _ in 0..<12 {
        let type = Self.operators[Int(random.next() % UInt64(Self.operators.count))]
        let isQuantizer = ["Quant", "BipolarQuant", "MultiThreshold", "Trunc"].contains(type)
        let inputs = (0..<Int(random.next() % 9)).map { _ in
          values[Int(random.next() % UInt64(values.count))]
        }
        let attributes = (0..<Int(random.next() % 4)).map { _ in Self.attribute(&random) }
        values.append(
          builder.node(
            type, inputs, attributes,
            domain: isQuantizer ? "qonnx.custom_op.general" : ""))
      }
      for bits in [nil, 0, 8, 1000] {
        _ = try builder.verify(bits).layers.map { $0.normBudget(ofChannel: 0) }
      }
    }
  }

  private static let sizes = [0, 1, 1, 2, 3, 4]
  private static let extremes: [Int64] = [
    0, 1, -1, 2, 3, 8, 127, -128, .max, .min, 1 << 40, -3,
  ]

  private static func constant(_ builder: inout GraphBuilder, _ random: inout SplitMix64) -> ValueID
  {
    let shape = (0..<Int(random.next() % 4)).map { _ in
      sizes[Int(random.next() % UInt64(sizes.count))]
    }
    let count = shape.reduce(1, *)
    let numbers = (0..<count).map { _ in extremes[Int(random.next() % UInt64(extremes.count))] }
    switch random.next() % 5 {
    case 0: return builder.constant(of: numbers.map { Int8(truncatingIfNeeded: $0) }, shape)
    case 1: return builder.constant(of: numbers, shape)
    case 2: return builder.constant(of: numbers.map { Int32(truncatingIfNeeded: $0) }, shape)
    case 3:
      return builder.constant(
        numbers.map { $0 == 3 ? Float.nan : $0 == -3 ? .infinity : Float($0) * 0.5 }, shape)
    default: return builder.constant(numbers.map { Float($0 & 7) }, shape)
    }
  }

  private static func attribute(_ random: inout SplitMix64) -> Attribute {
    let name = attributes[Int(random.next() % UInt64(attributes.count))]
    let number = extremes[Int(random.next() % UInt64(extremes.count))]
    switch random.next() % 5 {
    case 0: return Attribute(name, .ints([number, 0]))
    case 1: return Attribute(name, .float(number == 3 ? .nan : Float(number)))
    case 2: return Attribute(name, .string("CEIL"))
    default: return Attribute(name, .int(number))
    }
  }
}

/// A small deterministic generator (Steele, Lea and Flood 2014).
struct SplitMix64 {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
