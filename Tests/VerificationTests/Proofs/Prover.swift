import GraphIR
import TensorCore
import TestSupport
import Testing

@testable import Verification

/// An input of an operator under proof: what the verifier knows of it, and tensors that it may be.
enum Operand: CustomStringConvertible {
  case constant(Dense)
  case runTime(ValueFact, [Dense])
  /// An integer vector of which some elements are known.
  case vector([Int?], Dense)

  /// Multiples of a step, with every integer of a range among the elements.
  static func grid(_ range: ClosedRange<Int>, _ step: Float, _ shape: [Int]? = nil) -> Operand {
    var grid = IntegerGrid(scale: step, zeroPoint: 0, codes: CodeRange(bits: 5, signed: true))
    (grid.minimum, grid.maximum) = (range.lowerBound, range.upperBound)
    return .runTime(
      .grid(grid),
      filled(.float32, Array(range), shape).map { $0.map { Double(step * Float($0)) } })
  }

  /// Elements of an integer type, every one of a range among them.
  static func codes(_ range: ClosedRange<Int>, _ type: ElementType, _ shape: [Int]? = nil)
    -> Operand
  {
    let codes = CodeRange(of: type)?.clamped(from: range.lowerBound, to: range.upperBound)
    return .runTime(
      codes.map { .codes($0) } ?? .real(.sparse(value: "")), filled(type, Array(range), shape))
  }

  static func real(_ values: [Double], _ shape: [Int]? = nil) -> Operand {
    .runTime(
      .real(.unquantizedInput(value: "x", origin: .graphInput)),
      [Dense(.float32, shape ?? [values.count], values)])
  }

  static func int64(_ values: [Int]) -> Operand { .constant(Dense(.int64, values)) }

  /// Tensors of a shape that hold all of some integers between them.
  private static func filled(_ type: ElementType, _ integers: [Int], _ shape: [Int]?) -> [Dense] {
    let shape = shape ?? [integers.count]
    let count = shape.reduce(1, *)
    return stride(from: 0, to: integers.count, by: max(count, 1)).map { start in
      Dense(
        type, shape, (0..<count).map { Double(integers[(start + $0) % integers.count]) })
    }
  }

  var elementType: ElementType { tensors[0].type }

  var description: String {
    switch self {
    case .constant(let tensor): "constant \(tensor)"
    case .runTime(.grid(let grid), _):
      "\(grid.minimum)...\(grid.maximum) times \(grid.scale ?? 1)"
    case .runTime(.codes(let codes), _): "codes \(codes.minimum)...\(codes.maximum)"
    case .runTime(.constant(let constant), _): "quantized \(constant.shape)"
    case .runTime(.real, let tensors): "real \(tensors)"
    case .vector(let vector, _): "vector \(vector)"
    }
  }

  fileprivate var tensors: [Dense] {
    switch self {
    case .constant(let tensor), .vector(_, let tensor): [tensor]
    case .runTime(_, let tensors): tensors
    }
  }
}

/// The tensors that an operator gets in one execution.
struct Inputs {
  let tensors: [Dense?]

  /// An input that is there.
  subscript(index: Int) -> Dense { tensors[index] ?? Dense(zeros: []) }

  var all: [Dense] { tensors.compactMap { $0 } }
}

/// What a proof lets the verifier see of the shapes of run-time inputs.
enum Hiding {
  case nothing
  case axis(Int)
  case sizes
  case rank

  func dimensions(_ shape: [Int]) -> [Dimension]? {
    switch self {
    case .nothing: shape.map { .fixed($0) }
    case .axis(let hidden): shape.indices.map { $0 == hidden ? .unknown : .fixed(shape[$0]) }
    case .sizes: shape.map { _ in .unknown }
    case .rank: nil
    }
  }
}

/// Holds the verifier's facts of one operator against the results of an evaluator that was written from the standard.
struct Prover {
  typealias Evaluator = (Inputs) -> [Dense]?

  let domain: String
  let type: String
  /// Cases held against an evaluator, and those in which the verifier knows the integers.
  private(set) var cases = 0
  private(set) var known = 0
  private var failures = 0

  init(_ domain: String = "", _ type: String) {
    self.domain = domain
    self.type = type
  }

  /// Checks that every concrete result is one that the derived facts allow.
  ///
  /// - Parameters:
  ///   - isTight: whether the least and the greatest integer of the first output's fact must be seen.
  ///   - hides: whether the same must hold where the verifier sees less of the inputs' shapes.
  mutating func check(
    _ inputs: [Operand?], _ attributes: [Attribute] = [], opset: Int = 17, version: Int = 1,
    outputs: Int = 1, isTight: Bool = false, hides: Bool = false, _ evaluate: Evaluator
  ) {
    var combinations: [[Dense?]] = [[]]
    for input in inputs {
      let tensors: [Dense?] = input.map(\.tensors) ?? [nil]
      combinations = combinations.flatMap { head in tensors.map { head + [$0] } }
    }
    let results = combinations.map { evaluate(Inputs(tensors: $0)) }
    guard results.contains(where: { $0 != nil }) else { return }
    var hidings: [Hiding] = [.nothing]
    if hides { hidings += [.axis(0), .axis(1), .axis(2), .sizes, .rank] }
    for hiding in hidings {
      let facts = derive(inputs, attributes, opset, version, outputs, hiding)
      cases += 1
      guard let facts else {
        fail("\(type) \(attributes) isn't known")
        continue
      }
      if case .real = facts.facts[0] {} else { known += 1 }
      var seen: [Int] = []
      for (combination, result) in zip(combinations, results) {
        for (index, tensor) in (result ?? []).enumerated() where index < facts.facts.count {
          if let problem = facts.problem(index, tensor, seen: &seen) {
            fail("\(problem): \(name(attributes, inputs)), \(hiding), \(combination)")
          }
        }
      }
      if isTight, let problem = facts.looseness(seen) {
        fail("\(problem): \(name(attributes, inputs))")
      }
    }
  }

  private func name(_ attributes: [Attribute], _ inputs: [Operand?]) -> String {
    "\(type) \(attributes.map { "\($0.name)=\($0.value)" }) of "
      + inputs.map { $0?.description ?? "-" }.joined(separator: ", ")
  }

  private mutating func fail(_ message: String) {
    failures += 1
    // The first ones tell; thousands more hide them.
    if failures <= 3 { Issue.record("\(message)") }
  }

  /// What the verifier derives of the outputs; `nil` where the node is unknown to it.
  private func derive(
    _ inputs: [Operand?], _ attributes: [Attribute], _ opset: Int, _ version: Int, _ outputs: Int,
    _ hiding: Hiding
  ) -> Derived? {
    var graph = Graph(name: "proof")
    let ids = inputs.map { input -> ValueID? in
      switch input {
      case nil: nil
      case .constant(let tensor): tensor.tensor.map { graph.addConstant(name: "c", $0) }
      case .runTime(_, let tensors):
        graph.addInput(
          name: "x", type: TensorType(tensors[0].type, hiding.dimensions(tensors[0].shape)))
      case .vector(_, let tensor):
        graph.addInput(name: "v", type: TensorType(tensor.type, shape: tensor.shape))
      }
    }
    let targets = (0..<outputs).map { graph.addValue(name: "y\($0)") }
    let node = graph.addNode(
      OpaqueOperator(domain: domain, type: type, attributes: attributes), name: "node",
      inputs: ids, outputs: targets)
    var model = Model(
      graph: graph, irVersion: 10, opsets: [OpsetImport(domain: "", version: opset)])
    if !domain.isEmpty { model.importDomain(domain, version: version) }
    guard case .known(let definition) = OperatorTable.entry(for: graph[node], in: model) else {
      return nil
    }
    let table = FactTable(graph: graph)
    for case (let id?, let input?) in zip(ids, inputs) {
      switch input {
      case .runTime(let fact, _): table[id] = fact
      case .vector(let vector, let tensor):
        table.set(
          id, type: tensor.type, shape: tensor.shape.map { .known($0) },
          vector: vector.map { Size($0) })
      case .constant: break
      }
    }
    FactAnalysis.apply(
      definition,
      NodeContext(
        graph: graph, node: graph[node], opset: model.opset(of: domain) ?? 1, facts: table),
      to: table)
    return Derived(
      facts: targets.map { table[$0] }, types: targets.map { table.elementType(of: $0) },
      shapes: targets.map { table.shape(of: $0)?.map(\.known) },
      vectors: targets.map { table.vector(of: $0)?.map(\.known) })
  }
}

/// The verifier's facts of one node's outputs.
private struct Derived {
  var facts: [ValueFact]
  var types: [ElementType?]
  var shapes: [[Int?]?]
  var vectors: [[Int?]?]

  /// Why an output can't be the given tensor by the facts; `nil` where it can.
  func problem(_ index: Int, _ tensor: Dense, seen: inout [Int]) -> String? {
    if let type = types[index], type != tensor.type { return "type \(type), not \(tensor.type)" }
    if let shape = shapes[index],
      shape.count != tensor.shape.count
        || zip(shape, tensor.shape).contains(where: { $0 != nil && $0 != $1 })
    {
      return "shape \(shape), not \(tensor.shape)"
    }
    if let vector = vectors[index],
      vector.count != tensor.values.count
        || zip(vector, tensor.integers).contains(where: { $0 != nil && $0 != $1 })
    {
      return "vector \(vector), not \(tensor.values)"
    }
    switch facts[index] {
    case .real: return nil
    case .codes(let codes):
      guard codes.fullType == Dense.bounds(tensor.type) else {
        return "codes of \(codes.fullType) for \(tensor.type)"
      }
      guard holds(codes.bits, codes.signed, codes.minimum...codes.maximum) else {
        return "\(codes.bits) bits for \(codes.minimum)...\(codes.maximum)"
      }
      if index == 0 { seen += tensor.integers }
      return tensor.integers.first { !(codes.minimum...codes.maximum).contains($0) }
        .map { "\($0) outside \(codes.minimum)...\(codes.maximum)" }
    case .grid(let grid):
      for value in tensor.values {
        let step = Double(grid.scale ?? 1)
        // Two operations of single precision may have rounded the value.
        let steps = min(
          max((value / step).rounded(), Double(grid.minimum)), Double(grid.maximum))
        guard value.isFinite, abs(steps * step - value) <= abs(value) * 0x1p-22 else {
          return "\(value) outside \(grid.minimum)...\(grid.maximum) times \(step)"
        }
        if index == 0 { seen.append(Int(steps)) }
      }
      return nil
    case .constant(let constant): return difference(constant, tensor)
    }
  }

  private func holds(_ bits: Int, _ signed: Bool, _ range: ClosedRange<Int>) -> Bool {
    let least = signed ? -(1 << (bits - 1)) : 0
    let greatest = signed ? (1 << (bits - 1)) - 1 : (1 << bits) - 1
    return least <= range.lowerBound && range.upperBound <= greatest
  }

  /// Where a folded constant differs from the standard's result.
  private func difference(_ constant: ConstantTensor, _ tensor: Dense) -> String? {
    guard constant.shape == tensor.shape else {
      return "a constant of \(constant.shape), not \(tensor.shape)"
    }
    if constant.codes == nil {
      let elements =
        constant.tensor.integers()?.map { Double($0) }
        ?? constant.tensor.convertedToFloat()?.elements(of: Float.self).map { Double($0) } ?? []
      let values = Dense.indices(constant.shape).map { index in
        elements[zip(index, constant.strides).reduce(0) { $0 + $1.0 * $1.1 }]
      }
      return values == tensor.values ? nil : "\(values) for \(tensor.values)"
    }
    let layout = DotProductLayout(
      constant, channelAxes: Array(constant.shape.indices), dotAxes: [])
    guard let reader = try? WeightReader(layout, node: "proof") else { return "unreadable" }
    for element in tensor.values.indices {
      let integer = Int(reader.integers(ofChannel: element)[0])
      let channel = reader.channels[element]
      let value = Double(Float(integer) * channel.scale)
      guard abs(value - tensor.values[element]) <= abs(value) * 0x1p-22 else {
        return "a constant \(value) at \(element), not \(tensor.values[element])"
      }
      let code = integer + channel.zeroPoint
      if let codes = constant.codes, !(codes.minimum...codes.maximum).contains(code),
        constant.quantizer != nil
      {
        return "code \(code) outside \(codes.minimum)...\(codes.maximum)"
      }
    }
    return nil
  }

  /// How the first fact goes beyond the integers that were seen.
  func looseness(_ seen: [Int]) -> String? {
    guard let least = seen.min(), let greatest = seen.max() else { return nil }
    switch facts[0] {
    case .codes(let codes) where codes.minimum...codes.maximum != codes.fullType:
      return (codes.minimum, codes.maximum) == (least, greatest)
        ? nil : "\(codes.minimum)...\(codes.maximum) for \(least)...\(greatest)"
    case .grid(let grid):
      return (grid.minimum, grid.maximum) == (least, greatest)
        ? nil : "\(grid.minimum)...\(grid.maximum) for \(least)...\(greatest)"
    default: return nil
    }
  }
}
