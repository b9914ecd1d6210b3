import GraphIR
import TensorCore

/// One node as the rules see it: its domain, type and raw attributes, with the facts about its inputs.
struct NodeContext {
  let graph: Graph
  let node: Node
  let attributes: AttributeReader
  private let facts: FactTable

  init(graph: Graph, node: Node, opset: Int, facts: FactTable) {
    self.graph = graph
    self.node = node
    self.facts = facts
    attributes = AttributeReader(node.op.writtenAttributes, opset: opset)
  }

  /// The node's name in messages: its own, or that of its first output where it has none.
  var label: String {
    if !node.name.isEmpty { return node.name }
    return node.outputs.lazy.compactMap { $0 }.first.map { graph[$0].name } ?? node.op.type
  }

  func has(_ index: Int) -> Bool {
    node.inputs.indices.contains(index) && node.inputs[index] != nil
  }

  func id(_ index: Int) throws(Obstacle) -> ValueID {
    guard node.inputs.indices.contains(index), let id = node.inputs[index] else {
      throw .missingInput(node: label, index: index)
    }
    return id
  }

  func name(_ index: Int) throws(Obstacle) -> String { graph[try id(index)].name }

  func fact(_ index: Int) throws(Obstacle) -> ValueFact { facts[try id(index)] }

  // MARK: What follows about an input besides its integers; `nil` where it is absent or nothing follows

  func elementType(_ index: Int) -> ElementType? {
    (try? id(index)).flatMap { facts.elementType(of: $0) }
  }

  func shape(_ index: Int) -> [Size]? { (try? id(index)).flatMap { facts.shape(of: $0) } }

  func vector(_ index: Int) -> [Size]? { (try? id(index)).flatMap { facts.vector(of: $0) } }

  /// The reason why the node's first output has no integers, where no better one is known.
  var realOutput: Obstacle { real(output: 0) }

  func real(output index: Int) -> Obstacle {
    .unquantizedInput(
      value: node.outputs.indices.contains(index)
        ? node.outputs[index].map { graph[$0].name } ?? label : label,
      origin: .node(type: node.op.type, name: label))
  }

  /// The grid of an input.
  ///
  /// - Throws: the ``Obstacle`` because of which it has none.
  func grid(_ index: Int) throws(Obstacle) -> IntegerGrid {
    let value = try id(index)
    switch facts[value] {
    case .grid(let grid): return grid
    case .codes(let codes): return IntegerGrid(scale: nil, zeroPoint: 0, codes: codes)
    case .real(let obstacle): throw obstacle
    case .constant: throw .unquantizedInput(value: graph[value].name, origin: .constant)
    }
  }

  // MARK: Parameters

  /// A constant input with its elements in order; `nil` where the input is absent.
  func tensor(_ index: Int, _ parameter: String) throws(Obstacle) -> Tensor? {
    guard has(index) else { return nil }
    guard case .constant(let constant) = try fact(index), let tensor = constant.plain else {
      throw .runTimeParameter(node: label, parameter: parameter)
    }
    return tensor
  }

  /// The elements of an integer input of at most one dimension; `nil` where any of them is unknown.
  func integers(_ index: Int) -> [Int]? {
    guard let vector = vector(index) else { return nil }
    let known = vector.compactMap(\.known)
    return known.count == vector.count ? known : nil
  }

  /// The elements of a scale, which must be finite and not 0.
  func scales(_ tensor: Tensor) throws(Obstacle) -> [Float] {
    guard let values = tensor.convertedToFloat()?.elements(of: Float.self), !values.isEmpty else {
      throw .elementType(node: label, what: "the scale", actual: tensor.elementType)
    }
    if let wrong = values.first(where: { !$0.isFinite || $0 == 0 }) {
      throw .invalidParameter(
        node: label, parameter: "the scale", value: "\(wrong)", allowed: "finite numbers except 0")
    }
    return values
  }

  /// Refuses a parameter that would make a constant's integers depend on arithmetic of another precision.
  func requireSinglePrecision(_ tensor: Tensor, _ what: String) throws(Obstacle) {
    guard tensor.elementType == .float32 else {
      throw .elementType(node: label, what: what, actual: tensor.elementType)
    }
  }

  /// The elements of a parameter as whole numbers of at most 32 bits, given as integers or as floats.
  func wholeNumbers(_ tensor: Tensor, _ parameter: String) throws(Obstacle) -> [Int] {
    let values: [Int]
    if let integers = tensor.integers() {
      values = integers
    } else {
      guard let floats = tensor.convertedToFloat()?.elements(of: Float.self) else {
        throw .elementType(node: label, what: parameter, actual: tensor.elementType)
      }
      if let wrong = floats.first(where: { $0.rounded() != $0 || $0.magnitude > 0x1p31 }) {
        throw .invalidParameter(
          node: label, parameter: parameter, value: "\(wrong)", allowed: "whole numbers of 32 bits")
      }
      values = floats.map { Int($0) }
    }
    if values.isEmpty {
      throw .shape(
        node: label, what: parameter, expected: "at least one element", actual: "empty")
    }
    if let wrong = values.first(where: { $0.magnitude > 1 << 32 }) {
      throw .invalidParameter(
        node: label, parameter: parameter, value: "\(wrong)", allowed: "whole numbers of 32 bits")
    }
    return values
  }

  /// The one value of a parameter that must not vary; `nil` where it varies.
  func uniform<T: Equatable>(_ values: [T]) -> T? {
    guard let first = values.first, values.allSatisfy({ $0 == first }) else { return nil }
    return first
  }

  // MARK: Attributes

  func int(_ name: String, default fallback: Int) throws(Obstacle) -> Int {
    do { return try attributes.int(name, default: fallback) } catch {
      throw .attribute(node: label, name: name)
    }
  }

  /// A required integer attribute, which means false only where it is 0.
  func flag(_ name: String) throws(Obstacle) -> Bool {
    guard attributes[name] != nil else { throw .attribute(node: label, name: name) }
    return try int(name, default: 0) != 0
  }

  func ints(_ name: String) throws(Obstacle) -> [Int]? {
    do { return try attributes.ints(name) } catch { throw .attribute(node: label, name: name) }
  }

  func float(_ name: String) throws(Obstacle) -> Float? {
    do { return try attributes.float(name) } catch { throw .attribute(node: label, name: name) }
  }

  func string(_ name: String, default fallback: String) throws(Obstacle) -> String {
    do { return try attributes.string(name, default: fallback) } catch {
      throw .attribute(node: label, name: name)
    }
  }
}
