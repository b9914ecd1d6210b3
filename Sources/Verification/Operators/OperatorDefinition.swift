import GraphIR
import TensorCore

/// What the verifier knows about one operator: all that its verdict may depend on.
///
/// The definitions are written anew from the operators' standards, a duplication that is the verifier's purpose. An
/// operator without a definition, or a node that goes beyond it, is unknown and may hide a dot product.
struct OperatorDefinition: Sendable {
  /// Gives the fact about an output, or throws the reason why there is none.
  typealias IntegerRule = @Sendable (NodeContext) throws(Obstacle) -> ValueFact
  /// Gives the dimensions of one output, which are unknown where they don't follow, with `nil` for a shape that
  /// doesn't.
  typealias ShapeRule = @Sendable (_ context: NodeContext, _ output: Int) -> [Size]?

  /// The attributes of all versions; any other one may change the meaning.
  var attributes: Set<String>
  var inputs: ClosedRange<Int>
  /// The type rule of each output in order; outputs beyond the list have no known type.
  var types: [TypeRule]
  var shape: ShapeRule
  /// The rule for the integers; `nil` where the operator computes real numbers, or integers that only their type
  /// bounds.
  var integers: IntegerRule?
  /// Whether ``integers`` holds for every output rather than for the first alone.
  var coversAllOutputs = false
  /// The versions of the operator's domain in which the definition holds.
  var versions: ClosedRange<Int> = 0...Int.max

  /// What determines the element type of an output.
  enum TypeRule: Sendable {
    /// The element type is that of an input.
    case input(Int)
    case fixed(ElementType)
    /// The element type is the `TensorProto.DataType` of an attribute, or a default.
    case attribute(String, default: ElementType?)
    case computed(@Sendable (NodeContext) -> ElementType?)
    case unknown
  }

  init(
    _ inputs: ClosedRange<Int>, _ attributes: Set<String> = [], types: [TypeRule] = [.input(0)],
    shape: @escaping ShapeRule = ShapeRules.unknown, integers: IntegerRule? = nil,
    allOutputs: Bool = false, versions: ClosedRange<Int> = 0...Int.max
  ) {
    self.attributes = attributes
    self.inputs = inputs
    self.types = types
    self.shape = shape
    self.integers = integers
    coversAllOutputs = allOutputs
    self.versions = versions
  }

  // MARK: Families

  /// An operator with one output element for each element of the first input; further outputs, such as means, have
  /// shapes of their own.
  static func elementwise(
    _ attributes: Set<String> = [], inputs: ClosedRange<Int> = 1...1,
    type: TypeRule = .input(0), integers: IntegerRule? = nil
  ) -> OperatorDefinition {
    OperatorDefinition(
      inputs, attributes, types: [type],
      shape: { context, output in output == 0 ? context.shape(0) : nil }, integers: integers)
  }

  /// An operator with one output element for the elements of all inputs that meet by broadcasting.
  static func broadcast(
    _ inputs: ClosedRange<Int> = 2...2, _ attributes: Set<String> = [],
    type: TypeRule = .input(0), integers: IntegerRule? = nil
  ) -> OperatorDefinition {
    OperatorDefinition(
      inputs, attributes, types: [type], shape: ShapeRules.broadcast, integers: integers)
  }

  /// An operator with one output element for the elements along some axes.
  static func reduction(integers: IntegerRule? = nil) -> OperatorDefinition {
    OperatorDefinition(
      1...2, ["axes", "keepdims", "noop_with_empty_axes"], shape: ShapeRules.reduction,
      integers: integers)
  }

  // MARK: Use

  /// The reason why a node goes beyond the definition; `nil` where it doesn't.
  func objection(to node: Node, version: Int) -> Obstacle? {
    let (domain, type) = (node.op.domain, node.op.type)
    guard versions.contains(version) else {
      return .unknownVersion(domain: domain, type: type, version: version)
    }
    guard node.overload.isEmpty else {
      return .unknownForm(type: type, what: "an overload '\(node.overload)'")
    }
    guard inputs.contains(node.inputs.count) else {
      return .unknownForm(type: type, what: "\(node.inputs.count) inputs")
    }
    var seen: Set<String> = []
    for attribute in node.op.writtenAttributes {
      guard attributes.contains(attribute.name) else {
        return .unknownForm(type: type, what: "an attribute '\(attribute.name)'")
      }
      guard seen.insert(attribute.name).inserted else {
        return .unknownForm(type: type, what: "two attributes '\(attribute.name)'")
      }
      if case .serialized = attribute.value { return .hiddenNodes(type: type) }
    }
    return nil
  }

  func elementType(_ context: NodeContext, output: Int) -> ElementType? {
    guard output < types.count else { return nil }
    switch types[output] {
    case .input(let index): return context.elementType(index)
    case .fixed(let type): return type
    case .attribute(let name, let fallback):
      guard context.attributes[name] != nil else { return fallback }
      guard let code = try? context.int(name, default: 0) else { return nil }
      return ElementType(rawValue: Int32(clamping: code))
    case .computed(let rule): return rule(context)
    case .unknown: return nil
    }
  }
}
