import AccumulatorBounds

/// A reason why a layer is not certified.
public enum Finding: Error, Sendable, Hashable {
  /// The layer can't be reduced to exact integer sums.
  case obstacle(Obstacle)
  /// Neither the file nor the caller names an accumulator width.
  case noTarget
  /// Some input drives an accumulator out of its range.
  case overflow(channels: Int, targetBits: Int, requiredBits: Int)
  /// Some input drives the register of a tile out of its range.
  case tileOverflow(channels: Int, targetBits: Int, requiredBits: Int)
  /// Some input drives a register that adds the sums of tiles out of its range.
  case outerOverflow(channels: Int, outerBits: Int, requiredBits: Int)
  /// The file states tiles for a layer whose sums can't be divided into them.
  case tilesWithoutWeights
  /// Which integers meet in the registers isn't known; the sentence says why.
  case unknownProducts(String)
  /// An annotation of the file contradicts the file's integers or another annotation.
  case contradiction(field: AnnotationField, stated: String, actual: String)

  /// Whether the finding disproves a guarantee, rather than leaving it open.
  public var isRefutation: Bool {
    switch self {
    case .obstacle, .noTarget, .tilesWithoutWeights, .unknownProducts: false
    case .overflow, .tileOverflow, .outerOverflow, .contradiction: true
    }
  }
}

/// A statement of the file that is compared with its integers.
public enum AnnotationField: String, Sendable, Hashable {
  case requiredBits = "required_bits"
  case targetBits = "target_bits"
  case inputBits = "input_bits"
  case inputSigned = "input_signed"
  case biasBits = "bias_bits"
  case weight = "weight"
  case finnDatatype = "finn_datatype"
}

extension Finding: CustomStringConvertible {
  public var description: String {
    switch self {
    case .obstacle(let obstacle): "\(obstacle)"
    case .noTarget: "no accumulator width is given, neither in the file nor by the caller"
    case .overflow(let channels, let target, let required):
      "\(channels) channel\(channels == 1 ? "" : "s") can overflow \(target) bits; \(required) are required"
    case .tileOverflow(let channels, let target, let required):
      "tiles of \(channels) channel\(channels == 1 ? "" : "s") can overflow \(target) bits; "
        + "\(required) are required"
    case .outerOverflow(let channels, let outer, let required):
      "the sum of tiles of \(channels) channel\(channels == 1 ? "" : "s") can overflow "
        + "\(outer) bits; \(required) are required"
    case .tilesWithoutWeights:
      "the file states tiles for a layer whose products can't be divided into them"
    case .unknownProducts(let reason): reason
    case .contradiction(let field, let stated, let actual):
      "the file states \(field.rawValue) \(stated); its integers give \(actual)"
    }
  }
}

/// A finding that concerns the model as a whole.
public enum ModelFinding: Sendable, Hashable {
  /// The model has no layer to certify.
  case noLayers
  /// The metadata can't be read.
  case malformedAnnotations(AnnotationError)
  /// A quantizer's output is annotated with a data type other than the one that the quantizer gives.
  case contradictedDatatype(value: String, stated: String, actual: String)
  /// A computed value is stated to have an element type or shape other than the one that its operators give.
  case contradictedType(value: String, stated: String, actual: String)
  /// A value's quantization annotation has a key twice.
  case repeatedAnnotation(value: String, key: String)
  /// An entry of the metadata names one layer and the output of another.
  case ambiguousAnnotation(layer: String, output: String)
  /// The metadata names a layer that the graph doesn't have, and so binds nothing.
  case unmatchedAnnotation(layer: String)
  /// Functions remain in the model whose calls may hold dot products.
  case functionsLeft(count: Int)
  /// A caller can replace initializers, which a strict verdict doesn't take for constants.
  case replaceableConstants(names: [String])

  /// Whether the file states something that its own operators disprove, or that contradicts itself.
  public var isRefutation: Bool {
    switch self {
    case .contradictedDatatype, .contradictedType, .ambiguousAnnotation, .repeatedAnnotation: true
    case .noLayers, .malformedAnnotations, .unmatchedAnnotation, .functionsLeft,
      .replaceableConstants:
      false
    }
  }

  /// Whether the finding prevents a certificate.
  public var preventsCertificate: Bool {
    switch self {
    case .unmatchedAnnotation: false
    default: true
    }
  }
}

extension ModelFinding: CustomStringConvertible {
  public var description: String {
    switch self {
    case .noLayers: "the model has no dot-product layer to certify"
    case .malformedAnnotations(let error): "\(error)"
    case .contradictedDatatype(let value, let stated, let actual):
      "the file states finn_datatype \(stated) for '\(value)'; its quantizer gives \(actual)"
    case .contradictedType(let value, let stated, let actual):
      "the file states \(stated) for '\(value)'; its operators give \(actual)"
    case .repeatedAnnotation(let value, let key):
      "the quantization annotation of '\(value)' has the key '\(key)' twice"
    case .ambiguousAnnotation(let layer, let output):
      "one entry of the metadata names the layer '\(layer)' and '\(output)', the output of another"
    case .functionsLeft(let count):
      "the model defines \(count) function\(count == 1 ? "" : "s") that a subgraph may call"
    case .replaceableConstants(let names):
      "a caller can replace \(names.count) constant\(names.count == 1 ? "" : "s"), "
        + "among them '\(names.first ?? "")', which the file also lists as input\(names.count == 1 ? "" : "s")"
    case .unmatchedAnnotation(let layer):
      "the metadata describes a layer '\(layer)' that the graph doesn't have"
    }
  }
}
