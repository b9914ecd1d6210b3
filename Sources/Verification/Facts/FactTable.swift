import GraphIR
import TensorCore

/// What has been found so far about each value: its integers, its element type and its shape.
///
/// All of it follows from the data of constants, from what a caller of the model has to feed, and from the operators'
/// definitions. What the file states about computed values is compared with it, but never taken from the file.
final class FactTable {
  private var facts: [ValueID: ValueFact] = [:]
  private var types: [ValueID: ElementType] = [:]
  private var shapes: [ValueID: [Int?]] = [:]
  private var vectors: [ValueID: [Int?]] = [:]
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

  /// The shape of a value; `nil` where its rank doesn't follow, with `nil` for dimensions that don't.
  func shape(of id: ValueID) -> [Int?]? {
    if let shape = shapes[id] { return shape }
    if let constant = graph[id].constant { return constant.shape }
    return inputs.contains(id) ? graph[id].type?.dimensions?.map(\.size) : nil
  }

  /// The elements of an integer tensor of at most one dimension, with `nil` for those that don't follow.
  func vector(of id: ValueID) -> [Int?]? {
    if let vector = vectors[id] { return vector }
    guard let constant = graph[id].constant, constant.rank <= 1, constant.count <= 1024 else {
      return nil
    }
    return constant.integers()
  }

  func set(_ id: ValueID, type: ElementType?, shape: [Int?]?, vector: [Int?]?) {
    types[id] = type
    shapes[id] = shape
    vectors[id] = vector
  }
}
