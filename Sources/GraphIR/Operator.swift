import TensorCore

/// The part of an operator's definition that the framework checks, so that operators need not check it.
package struct OperatorSchema: Sendable, Hashable {
  /// The operator's domain, which is empty for the standard ONNX one.
  package var domain: String
  package var type: String
  /// The first opset version of the domain whose semantics are implemented.
  package var sinceVersion: Int
  package var inputs: ClosedRange<Int>
  package var outputs: ClosedRange<Int>
  /// The allowed element types of each input, where the last entry holds for all further ones; an empty list allows
  /// any.
  package var inputTypes: [[ElementType]]

  package init(
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

/// What shape inference knows about one input of a node.
package struct InputInfo: Sendable {
  /// The type of the input; `nil` where not even the element type is known.
  package var type: TensorType?
  /// The value itself, where it does not depend on the model's inputs.
  package var constant: Tensor?
  /// The elements of an integer tensor of at most one dimension, as far as they follow from dimensions: numbers,
  /// negative ones too, and symbols. `nil` where nothing is known that ``constant`` doesn't tell.
  package var elements: [Dimension]?

  package init(type: TensorType?, constant: Tensor? = nil, elements: [Dimension]? = nil) {
    self.type = type
    self.constant = constant
    self.elements = elements
  }
}

/// What a node means: a value without run-time state.
///
/// Those that a file can hold are ``WritableOperator``s; others are made inside, for a session or a training.
package protocol Operator: Sendable, Hashable {
  static var schema: OperatorSchema { get }

  /// The types of the outputs. Dimensions that depend on unknown ones are `.unknown`.
  ///
  /// - Parameter inputs: one entry for each input, `nil` for an absent optional one.
  /// - Throws: ``OperatorError`` where the inputs can't fit.
  func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?]

  /// Which elements of the inputs reappear in the outputs; `nil` for an operator that computes.
  var movement: ElementMovement? { get }

  /// How output elements depend on input elements at the same place; `nil` where they depend on others.
  var elementwise: ElementwiseForm? { get }

  /// The form of an operator that sums products; `nil` for others.
  var dotProduct: DotProductForm? { get }

  /// The range of the output whatever the first input; `nil` where nothing bounds it.
  ///
  /// - Parameter constant: the constant of one element at a further input; `nil` where there is none.
  func outputRange(_ constant: (_ input: Int) -> Float?) -> OutputRange?

  /// Whether each channel of the first output depends on that channel of the first input alone, and grows with it by any
  /// positive factor.
  var isHomogeneous: Bool { get }

  /// Whether no element of the first output can be negative, by what is known of the inputs. What ``movement`` and
  /// ``outputRange(_:)`` tell need not be repeated here.
  func cannotBeNegative(_ operands: OperandSigns) -> Bool

  /// How the operator converts between real numbers and integer codes; `nil` for others.
  var linearQuantization: LinearQuantizationForm? { get }

  /// How the operator normalises channels by statistics that it is given; `nil` for others.
  var channelNormalization: ChannelNormalizationForm? { get }

  /// What it makes of the positions of each channel; `nil` for one that pools nothing.
  var pooling: PoolingForm? { get }

  /// Whether the output is the first input, shifted or scaled by statistics of its own.
  var normalizes: Bool { get }

  /// Whether the outputs along some axis are probabilities, which sum to 1.
  var givesProbabilities: Bool { get }

  /// Whether nothing is known of the operator but its name and attributes.
  var isOpaque: Bool { get }

  /// Whether the operator rounds real numbers to a grid, and gives real numbers.
  var roundsValues: Bool { get }

  /// The domain of this instance: that of ``schema``, except where an operator has several names or represents
  /// another one.
  var domain: String { get }
  /// The type of this instance: that of ``schema``, except where an operator has several names or represents another
  /// one.
  var type: String { get }
}

extension Operator {
  package var domain: String { Self.schema.domain }
  package var type: String { Self.schema.type }

  /// The attributes with which a file holds this operator; none for one that no file can hold.
  package var writtenAttributes: [Attribute] {
    (self as? any WritableOperator)?.attributes() ?? []
  }

  /// Whether this operator equals one whose type is erased.
  package func isEqual(to other: any Operator) -> Bool {
    (other as? Self).map { $0 == self } ?? false
  }
}

/// An operator that a file can hold.
package protocol WritableOperator: Operator {
  /// The attributes to write.
  func attributes() -> [Attribute]
}

/// An operator that is read from files and written to them.
///
/// Conforming types store attributes in the form that their semantics need, for every opset version from
/// `schema.sinceVersion` on. Reading back what ``WritableOperator/attributes()`` gives makes an equal operator.
package protocol SerializableOperator: WritableOperator {
  /// - Throws: ``OperatorError`` where an attribute is missing, of the wrong kind, or contradicts another.
  init(attributes: AttributeReader) throws(OperatorError)

  /// Writes a node of this operator in the form that a later opset has.
  ///
  /// Without an implementation of the operator's own the node stays as it is. That is right where the versions differ in
  /// the types that they take alone, or in attributes whose defaults keep the meaning.
  ///
  /// - Returns: what was changed, for reports; `nil` where the node stays as it is.
  /// - Throws: ``OperatorError`` where the later opset can't express the node.
  func raise(_ node: NodeID, in graph: inout Graph, across opsets: OpsetRange)
    throws(OperatorError) -> String?
}

extension SerializableOperator {
  package func raise(_ node: NodeID, in graph: inout Graph, across opsets: OpsetRange)
    throws(OperatorError) -> String?
  { nil }
}

extension WritableOperator {
  package func attributes() -> [Attribute] { [] }
}

/// An operator that the catalogue doesn't know, kept with its raw attributes so that a model can be inspected and
/// written.
///
/// It has no semantics: code that needs them refuses it by name.
package struct OpaqueOperator: WritableOperator {
  package static let schema = OperatorSchema("", inputs: 0...Int.max, outputs: 0...Int.max)
  package let domain: String
  package let type: String
  package let rawAttributes: [Attribute]

  package init(domain: String, type: String, attributes: [Attribute]) {
    self.domain = domain
    self.type = type
    self.rawAttributes = attributes
  }

  package var isOpaque: Bool { true }
  package func attributes() -> [Attribute] { rawAttributes }
  package func infer(_ inputs: [InputInfo?]) -> [TensorType?] { [] }
}

/// A resolver that leaves every operator opaque, for readers of a model that look at attributes alone.
package struct OpaqueResolver: OperatorResolver {
  package init() {}

  package func makeOperator(domain: String, type: String, attributes: AttributeReader)
    -> any Operator
  { OpaqueOperator(domain: domain, type: type, attributes: attributes.attributes) }
}

/// Finds the operator type for a node. The importer is given a resolver, so that it needs no catalogue of its own.
package protocol OperatorResolver: Sendable {
  /// Makes the decoded operator, or an ``OpaqueOperator`` where the domain, type or version is unknown.
  ///
  /// - Throws: ``OperatorError`` where the type is known and its attributes are wrong.
  func makeOperator(domain: String, type: String, attributes: AttributeReader)
    throws(OperatorError) -> any Operator
}
