import DNNEngine
import GraphIR
import TensorCore

/// `y = x / 2 * (1 + erf(x / sqrt(2)))`, or with `approximate = "tanh"`
/// `y = x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3)))` (ONNX Gelu, opset 20).
package struct Gelu: ElementwiseFormula {
  package static let schema = OperatorSchema(
    "Gelu", since: 20, inputs: 1...1, inputTypes: [.float])

  package func cannotBeNegative(_ operands: OperandSigns) -> Bool { operands.first }

  package var isApproximate: Bool

  package init(isApproximate: Bool = false) { self.isApproximate = isApproximate }

  package init(attributes: AttributeReader) throws(OperatorError) {
    let form = try attributes.string("approximate", default: "none")
    guard form == "none" || form == "tanh" else {
      throw .attributeValue(name: "approximate", value: form, allowed: "none, tanh")
    }
    self.init(isApproximate: form == "tanh")
  }

  package func attributes() -> [Attribute] {
    isApproximate ? [Attribute("approximate", .string("tanh"))] : []
  }

  package func value(_ x: Double) -> Double {
    x / 2 * (1 + (isApproximate ? tanh(inner(x)) : erf(x * 0.5.squareRoot())))
  }

  /// P + x p, with P the factor of x and p its slope.
  package func slope(_ x: Double) -> Double {
    if isApproximate {
      let t = tanh(inner(x))
      let slope = (2 / Double.pi).squareRoot() * (1 + 3 * 0.044715 * x * x)
      return (1 + t) / 2 + x / 2 * (1 - t * t) * slope
    }
    return (1 + erf(x * 0.5.squareRoot())) / 2 + x * exp(-x * x / 2) / (2 * Double.pi).squareRoot()
  }

  private func inner(_ x: Double) -> Double {
    (2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)
  }

  package var function: ElementwiseFunction? { isApproximate ? .geluTanh : .gelu }
}
