import GraphIR
import Operators
import TensorCore

/// Writes operators on quantized tensors as their float operators between linear quantizers.
///
///     QLinearConv(x, s, z, w, t, u, r, v, b)
///     ->  QuantizeLinear(Conv(DequantizeLinear(x, s, z), DequantizeLinear(w, t, u), DequantizeLinear(b, s t)), r, v)
///
/// 1. QLinearConv and QLinearMatMul of the standard (opset 10).
/// 2. QGemm, QLinearAdd, QLinearMul, QLinearConcat, QLinearAveragePool, QLinearGlobalAveragePool, QLinearLeakyRelu,
///    QLinearSigmoid and QLinearSoftmax of onnxruntime's domain (ContribOperators.md), which it computes the same way; those with
///    channels last stay.
///
/// Integers stay as they are. A rounding that fell on a tie of the exact sums may fall otherwise on floats.
package struct QuantizedOperatorDecomposition: Pass {
  package static let name = "quantized-operator-decomposition"

  /// The opset of the standard domain that the model imports.
  package let opset: Int
  /// Leaves those of the standard, which have kernels of their own.
  package let keepsStandard: Bool

  package init(opset: Int, keepsStandard: Bool) {
    self.opset = opset
    self.keepsStandard = keepsStandard
  }

  package func run(_ graph: inout Graph) throws(PassError) -> [Edit] {
    var edits: [Edit] = []
    for id in graph.nodeIDs {
      let node = graph[id]
      guard let form = Self.forms[node.op.type],
        node.op.domain == Self.domain || node.op.domain.isEmpty && !keepsStandard,
        form.isComplete(node),
        let op = try floatOperator(node, form), let bias = bias(node, form, in: &graph),
        case let output?? = node.outputs.first
      else { continue }
      graph.remove(id)
      var inputs: [ValueID?] = []
      for (index, first) in form.operands(node).enumerated() {
        inputs.append(
          graph.addNode(
            DequantizeLinear(axis: form.axis(index, node)), name: node.name + "_dequantize",
            inputs: Array(node.inputs[first..<first + 3]),
            output: node.name + "_operand_\(index)"))
      }
      inputs += bias
      let result = input(node, form.output(node))
      guard result != nil else {
        // QGemm without a scale of its output gives floats.
        graph.addNode(op, name: node.name, inputs: inputs, outputs: [output])
        continue
      }
      let value = graph.addNode(
        op, name: node.name, inputs: inputs, output: node.name + "_float")
      graph.addNode(
        QuantizeLinear(), name: node.name + "_quantize",
        inputs: [value, result, input(node, form.output(node) + 1)], outputs: [output])
      edits.append(Edit(node: node.name, "as \(op.type) between quantizers"))
    }
    if !edits.isEmpty { graph.removeUnusedValues() }
    return edits
  }

  private func input(_ node: Node, _ position: Int) -> ValueID? {
    position < node.inputs.count ? node.inputs[position] : nil
  }

  private func floatOperator(_ node: Node, _ form: Form) throws(PassError) -> (any Operator)? {
    var attributes = node.op.writtenAttributes
    if let last = attributes.firstIndex(where: { $0.name == "channels_last" }) {
      guard attributes[last].value == .int(0) else { return nil }
      attributes.remove(at: last)
    }
    if form.type == "Softmax" {
      guard let axis = softmaxAxis(attributes) else { return nil }
      attributes = [Attribute("axis", .int(Int64(axis)))]
    }
    do {
      return try Catalogue().makeOperator(
        domain: "", type: form.type,
        attributes: AttributeReader(
          attributes, opset: opset, inputCount: form.operands(node).count + 1, outputCount: 1))
    } catch {
      throw .node(name: node.name, type: node.op.type, error)
    }
  }

  /// The axis of a QLinearSoftmax, which states the opset whose Softmax it computes: before 13 over all axes from the
  /// named one on, since then over that alone.
  ///
  /// - Returns: `nil` where the Softmax of the model's opset has no such form.
  private func softmaxAxis(_ attributes: [Attribute]) -> Int? {
    func int(_ name: String) -> Int? {
      guard case .int(let value)? = attributes.first(where: { $0.name == name })?.value else {
        return nil
      }
      return Int(value)
    }
    guard let stated = int("opset") else { return nil }
    let axis = int("axis") ?? -1
    return axis == -1 || (stated < 13) == (opset < 13) ? axis : nil
  }

  /// The bias of 32-bit codes in steps of the accumulator, as the float operator takes it; empty where there is
  /// none, and `nil` where its step isn't constant.
  private func bias(_ node: Node, _ form: Form, in graph: inout Graph) -> [ValueID?]? {
    guard let position = form.bias, let codes = input(node, position) else { return [] }
    let steps = [node.inputs[1], node.inputs[4]].map { value in
      value.flatMap { graph[$0].constant }?.convertedToFloat()?.elements(of: Float.self)
    }
    guard let x = steps[0], x.count == 1, let w = steps[1], !w.isEmpty else { return nil }
    let scale = graph.addConstant(
      name: node.name + "_bias_scale",
      Tensor(w.map { $0 * x[0] }, shape: w.count == 1 ? [] : [w.count]))
    return [
      graph.addNode(
        DequantizeLinear(axis: 0), name: node.name + "_dequantize_bias", inputs: [codes, scale],
        output: node.name + "_float_bias")
    ]
  }

  private static let domain = "com.microsoft"

  /// Where an operator has its operands, each with scale and zero point behind it, and the scale of its output.
  private struct Form {
    var type: String
    /// `nil` for any number from the third input on.
    var operandCount: Int?
    var bias: Int?

    /// Whether a node has all inputs that the form reads.
    func isComplete(_ node: Node) -> Bool {
      let operands = operands(node)
      return !operands.isEmpty && operands.allSatisfy { $0 + 3 <= node.inputs.count }
        && (type == "Gemm" || output(node) < node.inputs.count)
    }

    func operands(_ node: Node) -> [Int] {
      guard let operandCount else {
        return Array(stride(from: 2, to: node.inputs.count - 2, by: 3))
      }
      return (0..<operandCount).map { 3 * $0 }
    }

    func output(_ node: Node) -> Int {
      guard let operandCount else { return 0 }
      // QGemm has its bias before the scale of its output, QLinearConv behind.
      return 3 * operandCount + (bias == 3 * operandCount ? 1 : 0)
    }

    /// The axis that scales of an operand's channels follow.
    func axis(_ index: Int, _ node: Node) -> Int {
      guard index == 1 else { return 1 }
      switch type {
      case "Conv": return 0
      case "Gemm":
        let isTransposed = node.op.writtenAttributes.contains(Attribute("transB", .int(1)))
        return isTransposed ? 0 : 1
      default: return -1
      }
    }
  }

  private static let forms: [String: Form] = [
    "QLinearConv": Form(type: "Conv", operandCount: 2, bias: 8),
    "QLinearMatMul": Form(type: "MatMul", operandCount: 2),
    "QGemm": Form(type: "Gemm", operandCount: 2, bias: 6),
    "QLinearAdd": Form(type: "Add", operandCount: 2),
    "QLinearMul": Form(type: "Mul", operandCount: 2),
    "QLinearConcat": Form(type: "Concat"),
    "QLinearAveragePool": Form(type: "AveragePool", operandCount: 1),
    "QLinearGlobalAveragePool": Form(type: "GlobalAveragePool", operandCount: 1),
    "QLinearLeakyRelu": Form(type: "LeakyRelu", operandCount: 1),
    "QLinearSigmoid": Form(type: "Sigmoid", operandCount: 1),
    "QLinearSoftmax": Form(type: "Softmax", operandCount: 1),
  ]
}
