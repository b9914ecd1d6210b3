import TensorCore

/// The origin of a value that no quantizer bounds.
public enum Origin: Sendable, Hashable {
  case graphInput
  case constant
  case node(type: String, name: String)
}

/// A dimension that doesn't follow from the file.
public struct OpenDimension: Sendable, Hashable {
  public var value: String
  public var axis: Int
  /// Whether it is a dimension of a graph input, which can be fixed.
  public var isInput: Bool

  public init(value: String, axis: Int, isInput: Bool) {
    (self.value, self.axis, self.isInput) = (value, axis, isInput)
  }
}

extension OpenDimension: CustomStringConvertible {
  public var description: String {
    isInput
      ? "dimension \(axis) of input '\(value)', which is open; fix it with --shape \(value)=..."
      : "dimension \(axis) of '\(value)', which doesn't follow from the file; fix the inputs' shapes with --shape"
  }
}

/// Why a dot product can't be reduced to exact integer sums.
public enum Obstacle: Error, Sendable, Hashable {
  /// The layer reads real numbers: no quantizer precedes its input.
  case unquantizedInput(value: String, origin: Origin)
  /// The layer's constant operand is not quantized.
  case unquantizedWeight(value: String)
  /// The layer multiplies two run-time values, and the file does not determine the length of its sums.
  case unknownDotLength(value: String, open: OpenDimension?)
  /// A quantizer's parameter is computed at run time.
  case runTimeParameter(node: String, parameter: String)
  /// A quantizer's parameter has a value that is not allowed.
  case invalidParameter(node: String, parameter: String, value: String, allowed: String)
  /// The input's scale differs between channels, so products of different channels can't be added as integers.
  case inputScalePerChannel(node: String)
  /// The weight's scale or zero point differs between the terms of one sum.
  case weightScaleWithinSum(value: String)
  /// A weight is NaN or infinite.
  case nonFiniteWeight(value: String, channel: Int, count: Int)
  /// The shapes of a layer's operands or of a quantizer's parameters don't fit.
  case shape(node: String, what: String, expected: String, actual: String)
  /// An operand or parameter has an element type that is not analysed.
  case elementType(node: String, what: String, actual: ElementType)
  /// A required input is missing.
  case missingInput(node: String, index: Int)
  /// An attribute is missing, malformed or out of range.
  case attribute(node: String, name: String)
  /// An operand is a sparse tensor.
  case sparse(value: String)
  /// A summand of the layer may be integers on the accumulator's scale, and nothing bounds them.
  case unknownBias(value: String)
  /// The layer's integer result is subtracted from something, so that no register holds the sum itself.
  case subtractedSum(node: String)
  /// The operator is not in the verifier's table, and may add products.
  case unanalysedOperator(domain: String, type: String)
  /// The operator has a version for which the verifier's table was not written, and may add products.
  case unknownVersion(domain: String, type: String, version: Int)
  /// The node goes beyond what the table says about its operator, and may add products.
  case unknownForm(type: String, what: String)
  /// The node holds a subgraph or calls a function of the model, which may hold dot products.
  case hiddenNodes(type: String)
}

extension Obstacle: CustomStringConvertible {
  public var description: String {
    switch self {
    case .unquantizedInput(let value, .graphInput):
      "its input is the graph input '\(value)', which no quantizer bounds"
    case .unquantizedInput(let value, .constant):
      "its input '\(value)' is a constant that is not quantized"
    case .unquantizedInput(let value, .node(let type, let name)):
      "its input '\(value)' is not quantized: it comes from \(type) '\(name)'"
    case .unquantizedWeight(let value): "its weight '\(value)' is not quantized"
    case .unknownDotLength(let value, nil):
      "the length of its dot product is unknown: the file gives no shape for '\(value)'"
    case .unknownDotLength(_, let open?):
      "the length of its dot product is unknown: it depends on \(open)"
    case .runTimeParameter(let node, let parameter):
      "quantizer '\(node)': \(parameter) is not constant"
    case .invalidParameter(let node, let parameter, let value, let allowed):
      "quantizer '\(node)': \(parameter) is \(value); allowed: \(allowed)"
    case .inputScalePerChannel(let node):
      "quantizer '\(node)' scales each channel of the layer's input differently"
    case .weightScaleWithinSum(let value):
      "the scale or zero point of weight '\(value)' differs between terms of one sum"
    case .nonFiniteWeight(let value, let channel, let count):
      "weight '\(value)' holds \(count) NaN or infinite value\(count == 1 ? "" : "s") in channel \(channel)"
    case .shape(let node, let what, let expected, let actual):
      "'\(node)': \(what) is \(actual); expected \(expected)"
    case .elementType(let node, let what, let actual):
      "'\(node)': \(what) has element type \(actual.onnxName), which is not analysed"
    case .missingInput(let node, let index): "'\(node)': input \(index) is missing"
    case .attribute(let node, let name): "'\(node)': attribute '\(name)' is missing or malformed"
    case .sparse(let value): "its operand '\(value)' is a sparse tensor, which is not analysed"
    case .unknownBias(let value):
      "'\(value)' is added in the accumulator, and nothing bounds its integers"
    case .subtractedSum(let node): "its sum is subtracted from other integers by '\(node)'"
    case .unanalysedOperator(let domain, let type):
      "operator \(Self.name(domain, type)) is not analysed and may hide a dot product"
    case .unknownVersion(let domain, let type, let version):
      "operator \(Self.name(domain, type)) is not analysed in version \(version) of its domain and may hide a dot product"
    case .unknownForm(let type, let what): "\(type) with \(what) is not analysed"
    case .hiddenNodes(let type): "\(type) holds nodes that are not analysed"
    }
  }

  private static func name(_ domain: String, _ type: String) -> String {
    domain.isEmpty ? type : "\(domain).\(type)"
  }
}
