import GraphIR
import TensorCore
import TestSupport
import Testing

@testable import Execution
@testable import Operators

/// Inputs that don't fit end in an error, never in a trap.
@Suite struct RobustnessTests {
  @Test(arguments: OperatorConformanceTests.cases)
  func `inputs of random shapes give a result or an error`(
    _ recorded: OperatorConformanceTests.Case
  ) throws {
    let (graph, inputs, _) = try recorded.load()
    guard !inputs.isEmpty else { return }
    let session = try Session(graph: graph)
    var random = SplitMix(seed: UInt64(recorded.name.utf8.count))
    for _ in 0..<24 {
      var fed = inputs
      for (value, tensor) in inputs.sorted(by: { $0.key < $1.key }) {
        fed[value] = try Self.mutated(tensor, &random)
      }
      do {
        _ = try session.run(fed, fetch: graph.outputs)
      } catch {
        #expect(!"\(error)".isEmpty)
      }
    }
  }

  /// The tensor with some dimensions changed, dropped or added, and now and then of another type.
  static func mutated(_ tensor: Tensor, _ random: inout SplitMix) throws -> Tensor {
    var shape = tensor.shape
    switch Int.random(in: 0..<6, using: &random) {
    case 0 where !shape.isEmpty: shape.remove(at: Int.random(in: 0..<shape.count, using: &random))
    case 1: shape.insert(2, at: Int.random(in: 0...shape.count, using: &random))
    case 2: shape = []
    case 3: break
    default:
      for axis in shape.indices where Bool.random(using: &random) {
        shape[axis] = Int.random(in: 0..<9, using: &random)
      }
    }
    let count = shape.reduce(1, *)
    if Int.random(in: 0..<8, using: &random) == 0 {
      return Tensor([Int64](repeating: 3, count: count), shape: shape)
    }
    let bytes = try #require(tensor.elementType.byteCount(elements: count))
    let storage = TensorStorage(byteCount: bytes) { memory in
      for index in memory.indices { memory[index] = UInt8.random(in: 0...255, using: &random) }
    }
    return try #require(
      Tensor(elementType: tensor.elementType, shape: shape, storage: storage))
  }

  /// Attribute values at the edges of what a file can hold.
  @Test(arguments: OperatorConformanceTests.cases)
  func `random attribute values give a result or an error`(
    _ recorded: OperatorConformanceTests.Case
  ) throws {
    let (graph, inputs, _) = try recorded.load()
    let node = graph.nodeIDs[0]
    let op = graph[node].op
    var random = SplitMix(seed: 7)
    let edges: [Int64] = [.min, .max, -1, 0, 1, 2, 3, 1 << 31, 1 << 40, -(1 << 31)]
    for _ in 0..<24 {
      let attributes = op.writtenAttributes.map { attribute in
        switch attribute.value {
        case .int: Attribute(attribute.name, .int(edges.randomElement(using: &random) ?? 0))
        case .ints(let list):
          Attribute(
            attribute.name, .ints(list.map { _ in edges.randomElement(using: &random) ?? 0 }))
        case .float: Attribute(attribute.name, .float(.nan))
        default: attribute
        }
      }
      for opset in [7, 11, 13, 21] {
        do {
          let changed = try Catalogue().makeOperator(
            domain: op.domain, type: op.type,
            attributes: AttributeReader(attributes, opset: opset))
          var graph = graph
          graph[node].op = changed
          _ = try Session(graph: graph).run(inputs, fetch: graph.outputs)
        } catch let error as OperatorError {
          #expect(!error.description.isEmpty)
        } catch let error as ExecutionError {
          #expect(!error.description.isEmpty)
        }
      }
    }
  }
}
