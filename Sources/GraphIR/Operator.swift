import TensorCore

/// The part of an operator's definition that the framework checks, so that operators need not.
public struct OperatorSchema: Sendable, Hashable {
  /// Empty for the standard ONNX domain.
  public var domain: String
  public var type: String
  /// The first opset version of the domain whose semantics are implemented.
  public var sinceVersion: Int
  public var inputs: ClosedRange<Int>
  public var outputs: ClosedRange<Int>
  /// Allowed element types for each input, the last entry for all further ones; empty for any.
  public var inputTypes: [[ElementType]]

  public init(
    domain: String = "", _ type: String, since sinceVersion: Int = 7,
    inputs: ClosedRange<Int>, outputs: ClosedRange<Int> = 1...1,
    inputTypes: [[ElementType]] = []
  ) {
    self.domain = domain
    self.type = type
    self.sinceVersion = sinceVersion
    self.inputs = inputs
    self.outputs = outputs
    self.inputTypes = inputTypes
  }
}

/// What shape inference knows of one input of a node.
public struct InputInfo: Sendable {
  /// `nil` where the element type is not known either.
  public var type: TensorType?
  /// The value itself where it does not depend on the model's inputs.
  public var constant: Tensor?

  public init(type: TensorType?, constant: Tensor? = nil) {
    self.type = type
    self.constant = constant
  }
}

/// One operator with its decoded attributes: a value without run-time state.
///
/// Conforming types store attributes in the form that their semantics need, for every opset version from
/// `schema.sinceVersion` on.
public protocol Operator: Sendable, Hashable {
  static var schema: OperatorSchema { get }

  /// - Throws: ``OperatorError`` where an attribute is missing, of the wrong kind, or contradicts another.
  init(attributes: AttributeReader) throws(OperatorError)

  /// The attributes to write to a file; reading them back gives an equal operator.
  func attributes() -> [Attribute]

  /// Types of the outputs. Dimensions that depend on unknown ones are `.unknown`.
  ///
  /// - Parameter inputs: one entry for each input, `nil` for an absent optional one.
  /// - Throws: ``OperatorError`` where the inputs can't fit.
  func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?]

  /// The domain and type of this instance; those of `schema` except where an operator has several names, or
  /// stands for another one.
  var domain: String { get }
  var type: String { get }
}

extension Operator {
  public var domain: String { Self.schema.domain }
  public var type: String { Self.schema.type }
  public func attributes() -> [Attribute] { [] }

  /// Equality across the type eraser.
  public func isEqual(to other: any Operator) -> Bool {
    (other as? Self).map { $0 == self } ?? false
  }
}

/// An operator that the catalogue doesn't know, kept as it came so that a model can be inspected and written.
///
/// It has no semantics: whatever needs them refuses it by name.
public struct OpaqueOperator: Operator {
  public static let schema = OperatorSchema("", inputs: 0...Int.max, outputs: 0...Int.max)
  public let domain: String
  public let type: String
  public let rawAttributes: [Attribute]

  public init(domain: String, type: String, attributes: [Attribute]) {
    self.domain = domain
    self.type = type
    self.rawAttributes = attributes
  }

  /// - Throws: always; an opaque operator is made with its domain and type.
  public init(attributes: AttributeReader) throws(OperatorError) {
    throw .unsupported(what: "an operator without a type")
  }

  public func attributes() -> [Attribute] { rawAttributes }
  public func infer(_ inputs: [InputInfo?]) -> [TensorType?] { [] }
}

/// Leaves every operator opaque: for readers of a model that look at attributes alone.
public struct OpaqueResolver: OperatorResolver {
  public init() {}

  public func makeOperator(domain: String, type: String, attributes: AttributeReader)
    -> any Operator
  { OpaqueOperator(domain: domain, type: type, attributes: attributes.attributes) }
}

/// Finds the operator type for a node; the importer is given one so that it needs no catalogue of its own.
public protocol OperatorResolver: Sendable {
  /// The decoded operator, or an ``OpaqueOperator`` where domain, type or version is not known.
  ///
  /// - Throws: ``OperatorError`` where the type is known and its attributes are wrong.
  func makeOperator(domain: String, type: String, attributes: AttributeReader)
    throws(OperatorError) -> any Operator
}
