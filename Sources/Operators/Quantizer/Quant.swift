import GraphIR
import TensorCore

/// `y = (clip(round(x / scale + zeropt), low, high) - zeropt) * scale` (QONNX Quant, version 1; IntQuant).
///
/// Inputs: X, scale, zeropt, bitwidth. `low` and `high` are the limits of a `bitwidth`-bit integer:
/// `-2^(b-1) + narrow ... 2^(b-1) - 1` signed, `0 ... 2^b - 1 - narrow` unsigned. One signed bit is
/// bipolar: the integer is 1 where `x / scale + zeropt >= 0`, else -1. Scale and zero point are scalars
/// or broadcast to X.
public struct Quant: Operator {
  public static let schema = OperatorSchema(
    domain: "qonnx.custom_op.general", "Quant", since: 1, inputs: 4...4,
    inputTypes: [.float, .float, .numeric, .numeric])

  /// The domain and type under which an exporter wrote the operator; all mean the same.
  public enum Spelling: Sendable, Hashable, CaseIterable {
    case qonnx, qonnxInt, brevitas, brevitasInt, finn, finnInt

    public var domain: String {
      switch self {
      case .qonnx, .qonnxInt: "qonnx.custom_op.general"
      case .brevitas, .brevitasInt: "onnx.brevitas"
      case .finn, .finnInt: "finn.custom_op.general"
      }
    }

    public var type: String {
      switch self {
      case .qonnx, .brevitas, .finn: "Quant"
      case .qonnxInt, .brevitasInt, .finnInt: "IntQuant"
      }
    }
  }

  public var isSigned: Bool
  public var isNarrow: Bool
  public var rounding: RoundingMode
  public var spelling: Spelling

  public var domain: String { spelling.domain }
  public var type: String { spelling.type }

  public init(
    isSigned: Bool, isNarrow: Bool, rounding: RoundingMode = .round, spelling: Spelling = .qonnx
  ) {
    self.isSigned = isSigned
    self.isNarrow = isNarrow
    self.rounding = rounding
    self.spelling = spelling
  }

  public init(attributes: AttributeReader) throws(OperatorError) {
    let name = try attributes.string("rounding_mode", default: RoundingMode.round.rawValue)
    guard let rounding = RoundingMode(rawValue: name.uppercased()) else {
      throw .attributeValue(
        name: "rounding_mode", value: name,
        allowed: RoundingMode.allCases.map(\.rawValue).joined(separator: ", "))
    }
    self.init(
      isSigned: try attributes.bool("signed", default: true),
      isNarrow: try attributes.bool("narrow", default: true), rounding: rounding)
  }

  public func attributes() -> [Attribute] {
    [
      Attribute("narrow", .int(isNarrow ? 1 : 0)),
      Attribute("rounding_mode", .string(rounding.rawValue)),
      Attribute("signed", .int(isSigned ? 1 : 0)),
    ]
  }

  public func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    if let bits = inputs.constant(3) {
      guard bits.count == 1 else {
        throw .mismatch(what: "elements of bitwidth", expected: "1", actual: "\(bits.count)")
      }
      _ = try Self.bitWidth(bits)
    }
    guard let x = inputs.dimensions(0) else { return [inputs.type(0)] }
    for index in 1...2 {
      guard let parameter = inputs.dimensions(index) else { continue }
      guard parameter.count <= x.count || parameter.allSatisfy({ $0 == 1 }) else {
        throw .rank(input: index, expected: "at most \(x.count)", actual: parameter.count)
      }
      for (size, target) in zip(parameter.reversed(), x.reversed()) {
        if let size = size.size, let target = target.size, size != 1, size != target {
          throw .mismatch(
            what: "dimension of input \(index)", expected: "1 or \(target)", actual: "\(size)")
        }
      }
    }
    return [inputs.type(0)]
  }

  /// - Throws: ``OperatorError/outOfRange`` unless it is a whole number from 1 to 32.
  static func bitWidth(_ tensor: Tensor) throws(OperatorError) -> Int {
    let value = tensor.convertedToFloat()?.elements(of: Float.self).first ?? .nan
    guard value >= 1, value <= 32, value == value.rounded() else {
      throw .attributeValue(name: "bitwidth", value: "\(value)", allowed: "whole, 1 to 32")
    }
    return Int(value)
  }

  /// The least and the greatest integer of `bits` bits.
  public func limits(bits: Int) -> ClosedRange<Int> {
    let narrow = isNarrow ? 1 : 0
    if isSigned {
      if bits == 1 { return -1...1 }
      return -(1 << (bits - 1)) + narrow...(1 << (bits - 1)) - 1
    }
    return 0...(1 << bits) - 1 - narrow
  }
}

/// How a real number becomes an integer, with the names of QONNX.
public enum RoundingMode: String, Sendable, Hashable, CaseIterable {
  /// To nearest, ties to even.
  case round = "ROUND"
  case halfEven = "HALF_EVEN"
  case ceil = "CEIL"
  case floor = "FLOOR"
  /// Away from zero.
  case up = "UP"
  /// Toward zero.
  case down = "DOWN"
  case roundToZero = "ROUND_TO_ZERO"
  /// To nearest, ties away from zero.
  case halfUp = "HALF_UP"
  /// To nearest, ties toward zero.
  case halfDown = "HALF_DOWN"
}
