import GraphIR
import TensorCore

/// What has been found so far about each value: its integers, its element type and its shape.
///
/// All of it follows from the data of constants, from what a caller of the model has to feed, and from the operators'
/// definitions. What the file states about computed values is compared with it, but never taken from the file.
final class FactTable {
  private var facts: [ValueID: ValueFact] = [:]
  private var types: [ValueID: ElementType] = [:]
  private var shapes: [ValueID: [Size]] = [:]
  private var vectors: [ValueID: [Size]] = [:]
  private let graph: Graph
  private let inputs: Set<ValueID>

  init(graph: Graph) {
    self.graph = graph
    inputs = Set(graph.inputs)
  }

  subscript(id: ValueID) -> ValueFact {
    get {
      if let fact = facts[id] { return fact }
      let value = graph[id]
      if let tensor = value.constant { return .constant(ConstantTensor(tensor, name: value.name)) }
      // A type binds whoever feeds an input.
      if inputs.contains(id) {
        if let type = value.type?.elementType, let codes = CodeRange(of: type) {
          return .codes(codes)
        }
        return .real(.unquantizedInput(value: value.name, origin: .graphInput))
      }
      if value.serializedConstant != nil { return .real(.sparse(value: value.name)) }
      let origin: Origin =
        graph.producer(of: id).map { .node(type: $0.op.type, name: $0.name) } ?? .graphInput
      return .real(.unquantizedInput(value: value.name, origin: origin))
    }
    set { facts[id] = newValue }
  }

  /// The element type of a value; `nil` where it doesn't follow.
  func elementType(of id: ValueID) -> ElementType? {
    if let type = types[id] { return type }
    if let constant = graph[id].constant { return constant.elementType }
    return inputs.contains(id) ? graph[id].type?.elementType : nil
  }

  /// The shape of a value, where dimensions that don't follow have names; `nil` where its rank doesn't follow.
  func shape(of id: ValueID) -> [Size]? {
    if let shape = shapes[id] { return shape }
    if let constant = graph[id].constant { return constant.shape.map { .known($0) } }
    guard inputs.contains(id), let dimensions = graph[id].type?.dimensions else { return nil }
    return named(dimensions.map { Size($0.size) }, id, isPositive: true)
  }

  /// The elements of a tensor of whole numbers of at most one dimension.
  func vector(of id: ValueID) -> [Size]? {
    if let vector = vectors[id] { return vector }
    guard let constant = graph[id].constant, constant.rank <= 1, constant.count <= 1024 else {
      return nil
    }
    return ShapeArithmetic.elements(of: constant)
  }

  func set(_ id: ValueID, type: ElementType?, shape: [Size]?, vector: [Size]?) {
    types[id] = type
    shapes[id] = shape.map { named($0, id, isPositive: false) }
    vectors[id] = vector
  }

  /// The shape of a value with a name for each unknown dimension, so that it is found again behind `Shape`.
  private func named(_ shape: [Size], _ id: ValueID, isPositive: Bool) -> [Size] {
    shape.enumerated().map { axis, size in
      size == .unknown
        ? .named(Size.Name(value: id, axis: axis, isPositive: isPositive)) : size
    }
  }
}
