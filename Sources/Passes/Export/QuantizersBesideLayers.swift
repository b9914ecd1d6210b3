import GraphIR
import Operators
import TensorCore

/// Quantizes what a matrix product reads directly in front of it, where elements are moved in between.
///
///     MatMul(Reshape(D(Q(x))), D(w))  ->  MatMul(D(Q(Reshape(D(Q(x))))), D(w))
///
/// The second quantizer has the first one's parameters, so it changes nothing. Where an operand doesn't come from a
/// DequantizeLinear, onnxruntime's default session takes the product for one of real numbers with a quantized weight
/// (MatMulNBits), and rounds the operand to 8 bits of its own choice, block by block: outputs of small networks moved by
/// several times their magnitude.
///
/// 1. Any number of movements, with equal quantizers in front of a Concat.
/// 2. Products that read one value read one quantizer.
/// 3. On request the same behind every movement of signed bytes. Where none stands, onnxruntime writes one itself, of
///    which it then changes the zero point's type but not, in opset 21, the attribute for it: the file doesn't load.
package struct QuantizersBesideLayers: Pass {
  package static let name = "quantizers-beside-layers"
  package static let mustFollow: [any Pass.Type] = [LinearQuantizerExport.self]

  /// Whether signed bytes are quantized behind each movement.
  package let coversMovements: Bool

  package init(coversMovements: Bool = false) { self.coversMovements = coversMovements }

  package func run(_ graph: inout Graph) throws(PassError) -> [Edit] {
    var edits = coversMovements ? Self.coverMovements(&graph) : []
    var quantized: [ValueID: ValueID] = [:]
    for id in graph.nodeIDs {
      let node = graph[id]
      guard [.matMul, .gemm].contains(node.op.dotProduct?.kind),
        let position = Self.dataPosition(node, in: graph),
        let data = node.inputs[position], graph.producer(of: data)?.op.readsCodes != true,
        let source = Self.quantizer(of: data, in: graph)
      else { continue }
      let value = quantized[data] ?? source.copy(behind: data, in: &graph)
      quantized[data] = value
      graph.setInput(id, position, to: value)
      edits.append(Edit(node: node.name, "its operand quantized beside it"))
    }
    return edits
  }

  private static func coverMovements(_ graph: inout Graph) -> [Edit] {
    var edits: [Edit] = []
    for id in graph.nodeIDs {
      for case let value? in graph[id].outputs where !graph.isOutput(value) {
        guard graph[id].movedInputs(to: value) == [0], let source = quantizer(of: value, in: graph),
          source.isOfSignedBytes(in: graph)
        else { continue }
        let quantizers = graph.consumers(of: value).filter { graph[$0].op.makesCodes }
        guard quantizers.count < graph.consumers(of: value).count else { continue }
        let copy = source.copy(behind: value, in: &graph)
        let own = graph.consumers(of: value).filter { graph[$0].op.makesCodes }
        graph.replaceAllUses(of: value, with: copy, except: own)
        edits.append(Edit(node: graph[id].name, "its result quantized beside it"))
      }
    }
    return edits
  }

  /// The operand of a product whose other one is a quantized constant.
  private static func dataPosition(_ node: Node, in graph: Graph) -> Int? {
    let weights = (0..<2).filter { position in
      guard let operand = node.inputs[position], let reader = graph.producer(of: operand),
        reader.op.readsCodes, let codes = reader.inputs[0]
      else { return false }
      let source = graph.producer(of: codes)
      return graph[codes].constant != nil
        || source?.op.isClip == true && source?.inputs[0].map { graph[$0].constant != nil } == true
    }
    return weights.count == 1 ? 1 - weights[0] : nil
  }

  /// The nodes of a quantizer with one scale: QuantizeLinear, a Clip where codes are narrower, DequantizeLinear.
  private struct Quantizer {
    var nodes: [Node]

    /// What the nodes take besides the value, by which two of them are alike.
    func parameters(in graph: Graph) -> [Tensor?] {
      nodes.flatMap { $0.inputs.dropFirst().map { $0.flatMap { graph[$0].constant } } }
    }

    func isOfSignedBytes(in graph: Graph) -> Bool {
      guard case let zero?? = nodes.last?.inputs.last else { return false }
      return graph[zero].constant?.elementType == .int8
    }

    func copy(behind value: ValueID, in graph: inout Graph) -> ValueID {
      var result = value
      for node in nodes {
        guard case let output?? = node.outputs.first else { continue }
        let type = graph[output].type.map {
          TensorType($0.elementType, graph[value].type?.dimensions)
        }
        let suffix = node.op.type.lowercased()
        result = graph.addNode(
          node.op, name: "\(graph[value].name)_\(suffix)",
          inputs: [result] + node.inputs.dropFirst(),
          output: "\(graph[value].name)_\(suffix)", type: type)
      }
      return result
    }
  }

  /// The quantizer whose results a value consists of.
  private static func quantizer(of value: ValueID, in graph: Graph) -> Quantizer? {
    guard let node = graph.producer(of: value) else { return nil }
    if node.op.readsCodes {
      var nodes = [node]
      while let first = nodes.first, !first.op.makesCodes {
        guard first.op.readsCodes || first.op.isClip, nodes.count < 3,
          let codes = first.inputs[0], let producer = graph.producer(of: codes)
        else { return nil }
        nodes.insert(producer, at: 0)
      }
      let found = Quantizer(nodes: nodes)
      let parameters = found.parameters(in: graph)
      return parameters.allSatisfy { $0?.count == 1 } ? found : nil
    }
    guard let moved = node.movedInputs(to: value), !moved.isEmpty else { return nil }
    let sources = moved.map { node.inputs[$0].flatMap { quantizer(of: $0, in: graph) } }
    guard case let first?? = sources.first,
      sources.allSatisfy({ $0?.parameters(in: graph) == first.parameters(in: graph) })
    else { return nil }
    return first
  }
}
