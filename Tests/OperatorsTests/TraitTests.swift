import GraphIR
import OnnxFormat
import TensorCore
import Testing

@testable import Execution

/// What operators state of themselves, held against what they compute on the recorded cases of `fixtures/ops`.
@Suite struct TraitTests {
  typealias Case = OperatorConformanceTests.Case

  /// A recorded case of floats whose first input is run again with other elements.
  private struct Probe {
    var graph: Graph
    var inputs: [ValueID: Tensor]
    var node: Node

    init?(_ recorded: Case) throws {
      (graph, inputs, _) = try recorded.load()
      guard graph.nodeIDs.count == 1 else { return nil }
      node = graph[graph.nodeIDs[0]]
      guard let data = node.inputs.first ?? nil, inputs[data]?.elementType == .float32 else {
        return nil
      }
    }

    /// The elements of an input, fed or constant.
    func elements(_ position: Int) -> [Float]? {
      node.inputs[position].flatMap { inputs[$0] ?? graph[$0].constant }?.convertedToFloat()?
        .elements(of: Float.self)
    }

    var data: [Float] {
      node.inputs[0].flatMap { inputs[$0] }?.elements(of: Float.self) ?? []
    }

    /// The elements of the outputs that are floats, with `elements` as the first input.
    func run(_ elements: [Float]) throws -> [[Float]] {
      var feeds = inputs
      let data = try #require(node.inputs[0])
      feeds[data] = Tensor(elements, shape: try #require(inputs[data]).shape)
      let results = try Session(graph: graph).run(feeds, fetch: graph.outputs)
      return graph.outputs.compactMap {
        results[$0]?.elementType == .float32 ? results[$0]?.elements(of: Float.self) : nil
      }
    }
  }

  private static func agree(_ a: [Float], _ b: [Float]) -> Bool {
    a.count == b.count
      && zip(a, b).allSatisfy {
        $0.isNaN && $1.isNaN || $0 == $1 || abs($0 - $1) <= 1e-5 * max(abs($0), abs($1), 1e-3)
      }
  }

  @Test(arguments: OperatorConformanceTests.cases)
  func `traits are true of what is computed`(_ recorded: Case) throws {
    guard let probe = try Probe(recorded), !probe.data.isEmpty else { return }
    let (op, data) = (probe.node.op, probe.data)
    let results = try probe.run(data)
    if op.elementwise == .unary, op.writtenAttributes.isEmpty || probe.node.inputs.count == 1 {
      let turned = try probe.run(data.reversed())
      #expect(Self.agree(turned.first ?? [], (results.first ?? []).reversed()), "elementwise")
    }
    if let movement = op.movement {
      var known = Set(data)
      if movement.movesAllInputs {
        for case let input? in probe.node.inputs {
          let tensor = probe.inputs[input] ?? probe.graph[input].constant
          known.formUnion(tensor?.convertedToFloat()?.elements(of: Float.self) ?? [])
        }
      }
      let moved = movement.reachesAllOutputs ? results : Array(results.prefix(1))
      #expect(moved.allSatisfy { $0.allSatisfy(known.contains) }, "movement")
      if movement.arrangement == .kept { #expect(results.first == data, "kept") }
      if movement.arrangement == .permuted || movement.arrangement == .transposed,
        !movement.movesAllInputs
      {
        #expect(results.first?.sorted() == data.sorted(), "permuted")
      }
    }
    if op.isHomogeneous {
      let doubled = try probe.run(data.map { 2 * $0 })
      #expect(Self.agree(doubled.first ?? [], (results.first ?? []).map { 2 * $0 }), "homogeneous")
    }
    let magnitudes = data.map(\.magnitude)
    let signs = OperandSigns(
      count: probe.node.inputs.count,
      isNonNegative: { position in
        guard position > 0 else { return true }
        return probe.elements(position)?.allSatisfy { $0 >= 0 } ?? false
      },
      constant: { position in
        probe.node.inputs[position].flatMap { probe.inputs[$0] ?? probe.graph[$0].constant }
      }, areOneValue: false)
    if op.cannotBeNegative(signs) {
      let output = try probe.run(magnitudes).first ?? []
      #expect(output.allSatisfy { !($0 < 0) }, "not negative")
    }
    if op.isRectifier {
      #expect(Self.agree(results.first ?? [], data.map { max($0, 0) }), "rectifier")
    }
    if op.givesProbabilities, let output = results.first {
      // As many ones as there are rows, however they lie.
      let total = output.reduce(0.0) { $0 + Double($1) }
      #expect(output.allSatisfy { (0...1).contains($0) }, "probabilities")
      #expect(total > 0.5 && abs(total - total.rounded()) < 1e-4, "probabilities")
    }
    let range = op.outputRange { position in
      guard position < probe.node.inputs.count, let input = probe.node.inputs[position] else {
        return nil
      }
      return (probe.inputs[input] ?? probe.graph[input].constant)?.convertedToFloat()?
        .elements(of: Float.self).first
    }
    if let range, let output = results.first {
      let wide = try probe.run(data.map { $0 * 1000 })[0]
      #expect((output + wide).allSatisfy { $0 >= range.minimum && $0 <= range.maximum }, "range")
      if range.isClip {
        let clipped = data.map { min(max($0, range.minimum), range.maximum) }
        #expect(Self.agree(output, clipped), "clip")
      }
    }
  }
}
