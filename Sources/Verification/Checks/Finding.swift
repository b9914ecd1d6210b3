import AccumulatorBounds

/// What stands against a layer's certificate.
public enum Finding: Sendable, Hashable {
  /// The layer can't be reduced to exact integer sums.
  case obstacle(Obstacle)
  /// Neither the file nor the caller names an accumulator width.
  case noTarget
  /// Some input drives an accumulator out of its range.
  case overflow(channels: Int, targetBits: Int, requiredBits: Int)
  /// The same of the registers of tiles, and of those that add the tiles' sums.
  case tileOverflow(channels: Int, targetBits: Int, requiredBits: Int)
  case outerOverflow(channels: Int, outerBits: Int, requiredBits: Int)
  /// The file states tiles, and the layer has no constant integers to cut into such.
  case tilesWithoutWeights
  /// The file's annotation says one thing and its integers, or another annotation, say another.
  case contradiction(field: AnnotationField, stated: String, actual: String)

  /// True where the finding disproves a guarantee, rather than leaving it open.
  public var isRefutation: Bool {
    switch self {
    case .obstacle, .noTarget, .tilesWithoutWeights: false
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
    case .tilesWithoutWeights: "the file states tiles for a layer without constant integer weights"
    case .contradiction(let field, let stated, let actual):
      "the file states \(field.rawValue) \(stated); its integers give \(actual)"
    }
  }
}

/// What concerns the model as a whole.
public enum ModelFinding: Sendable, Hashable {
  /// There is nothing to certify.
  case noLayers
  /// The metadata can't be read.
  case malformedAnnotations(AnnotationError)
  /// A quantizer's output is annotated with another data type than the quantizer gives.
  case contradictedDatatype(value: String, stated: String, actual: String)
  /// The metadata names a layer that the graph doesn't have; it binds nothing.
  case unmatchedAnnotation(layer: String)

  /// True where the file states what its own quantizers disprove.
  public var isRefutation: Bool {
    if case .contradictedDatatype = self { true } else { false }
  }

  /// True where no certificate can be given because of it.
  public var preventsCertificate: Bool {
    switch self {
    case .noLayers, .malformedAnnotations, .contradictedDatatype: true
    case .unmatchedAnnotation: false
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
    case .unmatchedAnnotation(let layer):
      "the metadata describes a layer '\(layer)' that the graph doesn't have"
    }
  }
}
