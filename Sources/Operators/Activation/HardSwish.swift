import DNNEngine
import GraphIR
import TensorCore

/// `y = x * max(0, min(1, x / 6 + 0.5))` (ONNX HardSwish, opset 14, 22).
package struct HardSwish: ElementwiseFormula {
  package static let schema = OperatorSchema(
    "HardSwish", since: 14, inputs: 1...1, inputTypes: [.float])

  package func cannotBeNegative(_ operands: OperandSigns) -> Bool { operands.first }

  package init() {}
  package init(attributes: AttributeReader) { self.init() }

  package func value(_ x: Double) -> Double { x * max(0, min(1, x / 6 + 0.5)) }

  /// 0 up to -3, 1 from 3 on, x / 3 + 0.5 between.
  package func slope(_ x: Double) -> Double { x <= -3 ? 0 : x >= 3 ? 1 : x / 3 + 0.5 }

  package var function: ElementwiseFunction? { .hardSwish }
}
