import GraphIR
import TensorCore

/// `A == B`, with multidirectional broadcasting (ONNX Equal, opset 7, 11, 13, 19).
package struct Equal: Comparison {
  package static let schema = OperatorSchema(
    "Equal", since: 7, inputs: 2...2, inputTypes: [.numeric + [.bool]])

  package static let relation = Relation.equal
  package static let takesBooleans = true

  package init() {}
}

extension Equal: DimensionArithmetic {
  package func elements(_ inputs: [InputInfo?]) -> [Dimension]? {
    inputs.elementPairs()?.map { a, b in
      switch (a, b) {
      case (.fixed(let x), .fixed(let y)): x == y ? 1 : 0
      case (.symbolic(let x), .symbolic(let y)): x == y ? 1 : .unknown
      case (.symbolic, .fixed(let size)), (.fixed(let size), .symbolic):
        size < 1 ? 0 : .unknown
      default: .unknown
      }
    }
  }
}
