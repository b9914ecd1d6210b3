import GraphIR
import Operators
import TensorCore

extension FusedOperatorDecomposition {
  /// FusedMatMul(a, b): alpha times the product, of operands whose last two axes may be exchanged.
  static func fusedMatMul(
    _ rewrite: Rewrite, _ attributes: AttributeReader, _ graph: inout Graph
  ) throws(OperatorError) -> Bool {
    let alpha = try attributes.float("alpha", default: 1)
    guard try !attributes.bool("transBatchA", default: false),
      try !attributes.bool("transBatchB", default: false)
    else { return false }
    var permutations: [[Int]?] = []
    for (position, name) in ["transA", "transB"].enumerated() {
      guard try attributes.bool(name, default: false) else {
        permutations.append(nil)
        continue
      }
      guard let rank = rewrite.input(position).flatMap({ graph[$0].type?.dimensions?.count }) else {
        return false
      }
      permutations.append(rank < 2 ? nil : Array(0..<rank - 2) + [rank - 1, rank - 2])
    }
    graph.remove(rewrite.node.id)
    let operands = permutations.enumerated().map { position, permutation in
      permutation.map {
        rewrite.add(
          Transpose(permutation: $0), "operand_\(position)", [rewrite.input(position)], to: &graph)
      } ?? rewrite.input(position)
    }
    guard alpha != 1 else {
      rewrite.finish(MatMul(), operands, to: &graph)
      return true
    }
    let product = rewrite.add(MatMul(), "product", operands, to: &graph)
    rewrite.finish(
      Mul(), [product, rewrite.number(alpha, "alpha", in: &graph)], to: &graph)
    return true
  }

  /// FusedConv(x, w, b, z): a convolution, plus z, then an activation.
  static func fusedConvolution(
    _ rewrite: Rewrite, _ attributes: AttributeReader, _ graph: inout Graph
  ) throws(OperatorError) -> Bool {
    let activation = try attributes.string("activation", default: "")
    let parameters = try attributes.floats("activation_params") ?? []
    let own: Set = ["activation", "activation_params"]
    let convolution = try rewrite.standard(
      "Conv", attributes.attributes.filter { !own.contains($0.name) }, inputs: 3)
    let next = try Self.activation(rewrite, activation, parameters, in: &graph)
    graph.remove(rewrite.node.id)
    var steps: [(any Operator, [ValueID])] = []
    if let z = rewrite.input(3) { steps.append((Add(), [z])) }
    if let next { steps.append((next.op, next.parameters)) }
    let inputs = [rewrite.input(0), rewrite.input(1)] + (rewrite.input(2).map { [$0] } ?? [])
    rewrite.chain(convolution, inputs, steps, in: &graph)
    return true
  }

  /// FusedGemm(a, b, c): Gemm, then an activation.
  static func fusedGemm(
    _ rewrite: Rewrite, _ attributes: AttributeReader, _ graph: inout Graph
  ) throws(OperatorError) -> Bool {
    let activation = try attributes.string("activation", default: "")
    let names = ["activation_alpha", "activation_beta", "activation_gamma"]
    var parameters: [Float] = []
    for name in names {
      guard let parameter = try attributes.float(name) else { break }
      parameters.append(parameter)
    }
    let own = Set(names + ["activation"])
    let gemm = try rewrite.standard(
      "Gemm", attributes.attributes.filter { !own.contains($0.name) },
      inputs: rewrite.node.inputs.count)
    let next = try Self.activation(rewrite, activation, parameters, in: &graph)
    graph.remove(rewrite.node.id)
    rewrite.chain(
      gemm, rewrite.node.inputs, next.map { [($0.op, $0.parameters)] } ?? [], in: &graph)
    return true
  }

  /// QuantizeLinear and DequantizeLinear with the standard's domain, which has 8-bit integers since opset 10, axes
  /// since 13, and integers of 16 and 4 bits since 21.
  static func linearQuantizer(
    _ rewrite: Rewrite, _ attributes: AttributeReader, _ graph: inout Graph
  ) throws(OperatorError) -> Bool {
    let op = rewrite.node.op
    func type(_ position: Int) -> TensorType? { rewrite.input(position).flatMap { graph[$0].type } }
    let codes =
      op.makesCodes
      ? rewrite.input(2) == nil ? .uint8 : type(2)?.elementType
      : type(0)?.elementType
    guard let codes, let scales = type(1)?.shape else { return false }
    let isByte = codes.bitWidth == 8 || codes == .int32
    let needed = isByte ? scales.isEmpty ? 10 : 13 : 21
    guard rewrite.opset >= needed, rewrite.elementType == .float32 || rewrite.opset >= 19 else {
      return false
    }
    let standard: any Operator
    switch op {
    case var quantize as QuantizeLinear:
      quantize.domain = ""
      standard = quantize
    case var dequantize as DequantizeLinear:
      dequantize.domain = ""
      standard = dequantize
    default: return false
    }
    graph.remove(rewrite.node.id)
    rewrite.finish(standard, rewrite.node.inputs, to: &graph)
    return true
  }
}

extension FusedOperatorDecomposition.Rewrite {
  /// A node and element-wise ones behind it, of which the last computes the first output.
  fileprivate func chain(
    _ first: any Operator, _ inputs: [ValueID?], _ steps: [(any Operator, [ValueID])],
    in graph: inout Graph
  ) {
    var (op, operands) = (first, inputs)
    for (index, step) in steps.enumerated() {
      let value = add(op, "part_\(index)", operands, to: &graph)
      (op, operands) = (step.0, [value] + step.1)
    }
    finish(op, operands, to: &graph)
  }
}
