import Execution
import GraphIR
import Operators
import TensorCore

/// Writes operators that stand for several others as those, so that whatever reads a graph meets plain layers, sums
/// and activations.
///
/// Of onnxruntime's domain (ContribOperators.md), which its optimizer and its tools write:
///
/// 1. Gelu, FastGelu, BiasGelu, QuickGelu: Gelu of the standard since opset 20, else its formula.
/// 2. SkipLayerNormalization, SkipSimplifiedLayerNormalization: sums, then the normalization; LayerNormalization and
///    SimplifiedLayerNormalization too, where the opset of the model is older than the operator.
/// 3. FusedMatMul, FusedConv, FusedGemm: transpositions, the layer, its factor, its summand and its activation.
/// 4. MatMulNBits: MatMul with the weight that its codes stand for.
/// 5. QuantizeLinear, DequantizeLinear: those of the standard, where the opset of the model has their integers.
/// 6. GatherBlockQuantized: Gather from the table that its codes stand for.
/// 7. MultiHeadAttention, Attention: the layers, and two products with a Softmax between them.
/// 8. RotaryEmbedding: that of the standard since opset 23, else its formula.
///
/// Of the standard:
///
/// 9. Attention (opset 23): two products with a Softmax between them, so that quantizers find both.
/// 10. Einsum of two computed operands, where it is a product of stacks of matrices: transpositions and MatMul.
///
/// Of ONNX-ML:
///
/// 11. Scaler: a difference and a product.
///
/// What needs a rank, a size or an element type that doesn't follow from the graph stays, as do forms that aren't named
/// here.
package struct FusedOperatorDecomposition: Pass {
  package static let name = "fused-operator-decomposition"

  /// The opset of the standard domain that the model imports.
  package let opset: Int

  package init(opset: Int) { self.opset = opset }

  package func run(_ graph: inout Graph) throws(PassError) -> [Edit] {
    var edits: [Edit] = []
    // A result whose rank is known only once its operator has been written anew lets the next one be written.
    var hasChanged = true
    while hasChanged {
      hasChanged = false
      let candidates = graph.nodeIDs.filter { form(graph[$0].op) != nil }
      if candidates.isEmpty { break }
      _ = try ShapeInference().run(&graph)
      for id in candidates {
        let node = graph[id]
        guard let form = form(node.op), case _?? = node.outputs.first else { continue }
        let attributes = AttributeReader(
          node.op.writtenAttributes, opset: opset, inputCount: node.inputs.count,
          outputCount: node.outputs.count)
        let rewrite = Rewrite(node, opset: opset, elementType: elementType(of: node, in: graph))
        do throws(OperatorError) {
          guard try form(rewrite, attributes, &graph) else { continue }
        } catch {
          throw .node(name: node.name, type: node.op.type, error)
        }
        hasChanged = true
        edits.append(Edit(node: node.name, "\(node.op.type) as operators of the standard"))
      }
    }
    if !edits.isEmpty { graph.removeUnusedValues() }
    return edits
  }

  /// Writes a node anew, having removed it; false where it stays.
  typealias Form = (Rewrite, AttributeReader, inout Graph) throws(OperatorError) -> Bool

  private func form(_ op: any Operator) -> Form? {
    switch (op.domain, op.type) {
    case (Self.domain, "Gelu"), (Self.domain, "BiasGelu"): Self.gelu
    case (Self.domain, "FastGelu"): Self.fastGelu
    case (Self.domain, "QuickGelu"): Self.quickGelu
    case (Self.domain, "SkipLayerNormalization"): Self.skipLayerNormalization
    case (Self.domain, "SkipSimplifiedLayerNormalization"): Self.skipRootMeanSquare
    case ("", "SimplifiedLayerNormalization"), (Self.domain, "SimplifiedLayerNormalization"):
      Self.rootMeanSquare
    case ("", "LayerNormalization") where opset < LayerNormalization.schema.sinceVersion:
      Self.layerNormalization
    case (Self.domain, "FusedMatMul"): Self.fusedMatMul
    case (Self.domain, "FusedConv"): Self.fusedConvolution
    case (Self.domain, "FusedGemm"): Self.fusedGemm
    case (Self.domain, "MatMulNBits"): Self.blockQuantizedMatMul
    case (Self.domain, "QuantizeLinear"), (Self.domain, "DequantizeLinear"): Self.linearQuantizer
    case (Self.domain, "GatherBlockQuantized"): Self.blockQuantizedGather
    case (Self.domain, "MultiHeadAttention"): Self.multiHeadAttention
    case (Self.domain, "Attention"): Self.packedAttention
    case (Self.domain, "RotaryEmbedding"): Self.rotaryEmbedding
    case ("", "Attention"): Self.attention
    case ("", "Einsum"): Self.einsum
    case ("ai.onnx.ml", "Scaler"): Self.scaler
    default: nil
    }
  }

  private static let domain = MicrosoftDomain.name

  /// The element type of a node's floats: that of its first input of floats whose type is known, else single precision.
  private func elementType(of node: Node, in graph: Graph) -> ElementType {
    let types = (node.inputs + node.outputs).compactMap { $0 }.compactMap { graph[$0].type }
    return types.first { $0.elementType.isFloatingPoint }?.elementType ?? .float32
  }
}

extension FusedOperatorDecomposition {
  /// The nodes that take another one's place, named after it.
  struct Rewrite {
    let node: Node
    let opset: Int
    let elementType: ElementType

    init(_ node: Node, opset: Int, elementType: ElementType) {
      self.node = node
      self.opset = opset
      self.elementType = elementType
    }

    /// An input; `nil` where it is omitted.
    func input(_ position: Int) -> ValueID? {
      position < node.inputs.count ? node.inputs[position] : nil
    }

    /// Whether something reads an output.
    func isRead(_ position: Int, in graph: Graph) -> Bool {
      guard position < node.outputs.count, let output = node.outputs[position] else { return false }
      return graph.isOutput(output) || !graph.consumers(of: output).isEmpty
    }

    /// Adds a node with a new result.
    func add(
      _ op: any Operator, _ part: String, _ inputs: [ValueID?], to graph: inout Graph
    ) -> ValueID {
      let name = "\(node.name)_\(part)"
      return graph.addNode(op, name: name, inputs: inputs, output: name)
    }

    /// Adds the node that computes one of the outputs.
    func finish(
      _ op: any Operator, _ inputs: [ValueID?], output: Int = 0, to graph: inout Graph
    ) {
      graph.addNode(op, name: node.name, inputs: inputs, outputs: [node.outputs[output]])
    }

    /// A constant of one float, in the element type of the node.
    func number(_ value: Float, _ part: String, in graph: inout Graph) -> ValueID {
      let tensor =
        switch elementType {
        case .float64: Tensor(scalar: Double(value))
        case .float16: Tensor.half(HalfPrecision.float16(value), .float16)
        case .bfloat16: Tensor.half(HalfPrecision.bfloat16(value), .bfloat16)
        default: Tensor(scalar: value)
        }
      return graph.addConstant(name: "\(node.name)_\(part)", tensor)
    }

    /// A constant vector of integers.
    func integers(_ values: [Int], _ part: String, in graph: inout Graph) -> ValueID {
      graph.addConstant(
        name: "\(node.name)_\(part)", Tensor(values.map(Int64.init), shape: [values.count]))
    }

    /// An operator of the standard by its name and attributes.
    func standard(_ type: String, _ attributes: [Attribute], inputs: Int)
      throws(OperatorError) -> any Operator
    {
      try Catalogue().makeOperator(
        domain: "", type: type,
        attributes: AttributeReader(attributes, opset: opset, inputCount: inputs, outputCount: 1))
    }
  }
}

extension Tensor {
  /// A scalar of 16 bits.
  fileprivate static func half(_ bits: UInt16, _ type: ElementType) -> Tensor {
    let scalar = Tensor(scalar: bits)
    return Tensor(elementType: type, shape: [], storage: scalar.storage) ?? scalar
  }
}
