import GraphIR
import Operators
import TensorCore

extension FusedOperatorDecomposition {
  /// Gelu(x) and BiasGelu(x, b): the exact one, of x + b.
  static func gelu(
    _ rewrite: Rewrite, _ attributes: AttributeReader, _ graph: inout Graph
  ) throws(OperatorError) -> Bool {
    graph.remove(rewrite.node.id)
    let x = rewrite.biased(in: &graph)
    if rewrite.opset >= Gelu.schema.sinceVersion {
      rewrite.finish(Gelu(), [x], to: &graph)
      return true
    }
    // x / 2 * (1 + erf(x / sqrt(2)))
    let scaled = rewrite.add(
      Mul(), "scaled", [x, rewrite.number(Float(0.5).squareRoot(), "factor", in: &graph)],
      to: &graph)
    let erf = rewrite.add(Erf(), "erf", [scaled], to: &graph)
    rewrite.gate(x, erf, in: &graph)
    return true
  }

  /// FastGelu(x, b): the one by the hyperbolic tangent, of x + b.
  static func fastGelu(
    _ rewrite: Rewrite, _ attributes: AttributeReader, _ graph: inout Graph
  ) throws(OperatorError) -> Bool {
    graph.remove(rewrite.node.id)
    let x = rewrite.biased(in: &graph)
    if rewrite.opset >= Gelu.schema.sinceVersion {
      rewrite.finish(Gelu(isApproximate: true), [x], to: &graph)
      return true
    }
    // x / 2 * (1 + tanh(x (c + d x^2))), with c = sqrt(2 / pi) and d = 0.044715 c
    let c = (2 / Float.pi).squareRoot()
    let square = rewrite.add(Mul(), "square", [x, x], to: &graph)
    let cubic = rewrite.add(
      Mul(), "cubic", [square, rewrite.number(0.044715 * c, "d", in: &graph)], to: &graph)
    let sum = rewrite.add(
      Add(), "slope", [cubic, rewrite.number(c, "c", in: &graph)], to: &graph)
    let inner = rewrite.add(Mul(), "inner", [x, sum], to: &graph)
    let tanh = rewrite.add(Tanh(), "tanh", [inner], to: &graph)
    rewrite.gate(x, tanh, in: &graph)
    return true
  }

  /// QuickGelu(x): x times the sigmoid of alpha x.
  static func quickGelu(
    _ rewrite: Rewrite, _ attributes: AttributeReader, _ graph: inout Graph
  ) throws(OperatorError) -> Bool {
    let alpha = try attributes.float("alpha", default: 1.702)
    guard let x = rewrite.input(0) else { return false }
    graph.remove(rewrite.node.id)
    let scaled =
      alpha == 1
      ? x
      : rewrite.add(
        Mul(), "scaled", [x, rewrite.number(alpha, "alpha", in: &graph)], to: &graph)
    let sigmoid = rewrite.add(Sigmoid(), "sigmoid", [scaled], to: &graph)
    rewrite.finish(Mul(), [x, sigmoid], to: &graph)
    return true
  }

  /// The activation of a fused layer; `nil` for none.
  ///
  /// - Parameter parameters: alpha and beta, or lower and upper bound of a Clip.
  /// - Throws: ``OperatorError/attributeValue(name:value:allowed:)`` for one that isn't known.
  static func activation(
    _ rewrite: Rewrite, _ name: String, _ parameters: [Float], in graph: inout Graph
  ) throws(OperatorError) -> (op: any Operator, parameters: [ValueID])? {
    switch name {
    case "": return nil
    case "Relu", "Sigmoid", "Tanh": return (try rewrite.standard(name, [], inputs: 1), [])
    case "LeakyRelu":
      let alpha = parameters.first.map { [Attribute("alpha", .float($0))] } ?? []
      return (try rewrite.standard(name, alpha, inputs: 1), [])
    case "HardSigmoid":
      let attributes = zip(["alpha", "beta"], parameters).map { Attribute($0, .float($1)) }
      return (try rewrite.standard(name, attributes, inputs: 1), [])
    case "Clip" where parameters.count == 2:
      if rewrite.opset < 11 {
        let attributes = zip(["min", "max"], parameters).map { Attribute($0, .float($1)) }
        return (try rewrite.standard(name, attributes, inputs: 1), [])
      }
      let bounds = [
        rewrite.number(parameters[0], "low", in: &graph),
        rewrite.number(parameters[1], "high", in: &graph),
      ]
      return (Clip(), bounds)
    default:
      throw .attributeValue(
        name: "activation", value: name,
        allowed: "Relu, Sigmoid, Tanh, LeakyRelu, HardSigmoid, Clip with two parameters")
    }
  }
}

extension FusedOperatorDecomposition.Rewrite {
  /// The first input plus the second one where it is there.
  fileprivate func biased(in graph: inout Graph) -> ValueID? {
    guard let bias = input(1) else { return input(0) }
    return add(Add(), "sum", [input(0), bias], to: &graph)
  }

  /// x / 2 * (1 + gate), as the output.
  fileprivate func gate(_ x: ValueID?, _ gate: ValueID, in graph: inout Graph) {
    let sum = add(Add(), "gate", [gate, number(1, "one", in: &graph)], to: &graph)
    let half = add(Mul(), "half", [x, number(0.5, "one_half", in: &graph)], to: &graph)
    finish(Mul(), [half, sum], to: &graph)
  }
}
