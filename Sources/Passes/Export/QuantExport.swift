import GraphIR
import Operators
import TensorCore

/// Writes ONNX linear quantization as QONNX quantizers.
///
/// 1. `DequantizeLinear(codes)` of constant codes -> `Quant(constant)`, of 32-bit codes (a bias) the floats alone.
/// 2. `DequantizeLinear(QuantizeLinear(x))`, with a `Clip` between or without -> `Quant(x)` of the width that the
///    limits have.
/// 3. Operators that move codes between the two move the dequantized values instead.
///
/// Integers and scales stay as they are. `round(x / s) + z` there and `round(x / s + z)` here differ at ties of
/// an odd zero point alone. QONNX has no operators on integers and no scales that are computed: files with such
/// are refused.
package struct QuantExport: Pass {
  package static let name = "quant-export"
  package static let mustFollow: [any Pass.Type] = [
    ShapeInference.self, QuantizedOperatorDecomposition.self,
  ]

  package init() {}

  package func run(_ graph: inout Graph) throws(PassError) -> [Edit] {
    var edits: [Edit] = []
    var written: [Quantization: ValueID] = [:]
    var pending = graph.nodeIDs.filter { graph[$0].op.readsCodes }
    while let id = pending.popLast() {
      let node = graph[id]
      guard case let output?? = node.outputs.first else { continue }
      if let above = move(id, in: &graph) {
        pending.append(above)
        continue
      }
      let quantization = try Quantization(node, in: graph)
      if let known = written[quantization] {
        graph.remove(id)
        graph.replaceAllUses(of: output, with: known)
        continue
      }
      graph.remove(id)
      quantization.write(node.name, to: output, in: &graph)
      written[quantization] = output
      edits.append(Edit(node: node.name, "written as Quant"))
    }
    _ = try DeadNodeElimination().run(&graph)
    for id in graph.nodeIDs where Self.integerOperators.contains(graph[id].op.type) {
      throw .node(
        name: graph[id].name, type: graph[id].op.type,
        .unsupported(what: "an operator on integers in QONNX"))
    }
    return edits
  }

  /// Operators that QONNX has no float form of.
  private static let integerOperators: Set = [
    "ConvInteger", "DequantizeLinear", "DynamicQuantizeLinear", "MatMulInteger", "QGemm",
    "QLinearConv", "QLinearMatMul", "QuantizeLinear",
  ]

  /// Case 3: the dequantization of what a node moves, put in front of it.
  private func move(_ id: NodeID, in graph: inout Graph) -> NodeID? {
    let node = graph[id]
    guard let codes = node.inputs[0], let mover = graph.producer(of: codes),
      graph.consumers(of: codes) == [id], !graph.isOutput(codes),
      mover.movedInputs(to: codes) == [0], mover.op.movement?.reachesAllOutputs == false,
      let source = mover.inputs[0],
      node.inputs.dropFirst().allSatisfy({ $0 == nil || graph[$0 ?? codes].constant?.count == 1 }),
      case let output?? = node.outputs.first
    else { return nil }
    graph.remove(id)
    let floats = graph.addValue(
      name: graph[source].name + "_dequantized",
      type: graph[source].type.map { TensorType(.float32, $0.dimensions) })
    let above = graph.addNode(
      node.op, name: node.name, inputs: [source] + node.inputs.dropFirst(), outputs: [floats])
    graph.setInput(mover.id, 0, to: floats)
    graph[codes].type = graph[codes].type.map { TensorType(.float32, $0.dimensions) }
    graph.replaceAllUses(of: output, with: codes)
    return above
  }
}

/// What one DequantizeLinear stands for.
private struct Quantization: Hashable {
  /// What is quantized, or the constant codes.
  let source: ValueID
  let isConstant: Bool
  let scales: [Float]
  let zeroPoints: [Int]
  let axis: Int
  let limits: ClosedRange<Int>
  let isSigned: Bool
  /// `nil` for 32-bit codes, which are written as floats.
  let bits: Int?
  let isNarrow: Bool

  /// - Throws: ``PassError`` for parameters that are computed, and for limits that no width has.
  init(_ node: Node, in graph: Graph) throws(PassError) {
    func fail(_ what: String) -> PassError {
      .node(name: node.name, type: node.op.type, .unsupported(what: what + " in QONNX"))
    }
    guard let form = node.op.linearQuantization, form.blockSize == 0 else {
      throw fail("quantization in blocks")
    }
    guard var codes = node.inputs[0], let scale = Self.constant(node, 1, graph)?.convertedToFloat()
    else { throw fail("a scale that is computed") }
    var range: ClosedRange<Int>?
    if let limits = CodeLimits(of: codes, in: graph) {
      (codes, range) = (limits.source, limits.range)
    }
    var type = graph[codes].constant?.elementType ?? graph[codes].type?.elementType
    isConstant = graph[codes].constant != nil
    if isConstant {
      source = codes
    } else {
      guard let quantize = graph.producer(of: codes), quantize.op.makesCodes,
        let data = quantize.inputs[0], Self.agree(quantize, node, in: graph)
      else { throw fail("codes that no quantizer of the same scale computes") }
      source = data
      type = Self.constant(quantize, 2, graph)?.elementType ?? type ?? .uint8
    }
    guard let type, let (width, signed) = Self.widths[type] else {
      throw fail("codes of \(type?.onnxName ?? "an unknown type")")
    }
    scales = scale.elements(of: Float.self)
    let zeros = node.inputs.count > 2 && node.inputs[2] != nil
    guard let offsets = zeros ? Self.constant(node, 2, graph)?.integers() : [0] else {
      throw fail("a zero point that is computed")
    }
    zeroPoints = offsets
    let rank = graph[source].constant?.rank ?? graph[source].type?.rank ?? 0
    axis = form.axis < 0 ? form.axis + rank : form.axis
    guard !scales.isEmpty, !zeroPoints.isEmpty else { throw fail("an empty scale") }
    let count = max(scales.count, zeroPoints.count)
    guard count == 1 || (0..<rank).contains(axis) else {
      throw fail("a scale for each channel of a value of unknown rank")
    }
    isSigned = signed
    let full = Quant(isSigned: signed, isNarrow: false).limits(bits: width)
    var wanted = range.map {
      max($0.lowerBound, full.lowerBound)...min($0.upperBound, full.upperBound)
    }
    // Weights that leave out the least code of their type are narrow.
    if isConstant, wanted == nil, signed, zeroPoints.allSatisfy({ $0 == 0 }),
      let integers = graph[codes].constant?.integers(), !integers.contains(full.lowerBound)
    {
      wanted = full.lowerBound + 1...full.upperBound
    }
    limits = wanted ?? full
    guard width <= 16 else {
      (bits, isNarrow) = (nil, false)
      return
    }
    guard let match = Self.format(of: limits, signed: signed, widest: width) else {
      throw fail("a clip to \(limits.lowerBound) to \(limits.upperBound)")
    }
    (bits, isNarrow) = match
  }

  /// The width whose integers have these limits.
  private static func format(of limits: ClosedRange<Int>, signed: Bool, widest: Int) -> (
    bits: Int?, isNarrow: Bool
  )? {
    for narrow in [false, true] {
      for bits in (signed ? 2 : 1)...widest
      where Quant(isSigned: signed, isNarrow: narrow).limits(bits: bits) == limits {
        return (bits, narrow)
      }
    }
    return nil
  }

  private static let widths: [ElementType: (Int, Bool)] = [
    .int4: (4, true), .uint4: (4, false), .int8: (8, true), .uint8: (8, false),
    .int16: (16, true), .uint16: (16, false), .int32: (32, true),
  ]

  private static func constant(_ node: Node, _ position: Int, _ graph: Graph) -> Tensor? {
    position < node.inputs.count ? node.inputs[position].flatMap { graph[$0].constant } : nil
  }

  /// Whether a quantizer has the scale and zero point of a dequantizer.
  private static func agree(_ quantize: Node, _ dequantize: Node, in graph: Graph) -> Bool {
    func scale(_ node: Node) -> [Float]? {
      constant(node, 1, graph)?.convertedToFloat()?.elements(of: Float.self)
    }
    func zero(_ node: Node) -> [Int]? {
      node.inputs.count > 2 && node.inputs[2] != nil ? constant(node, 2, graph)?.integers() : [0]
    }
    let axes = [quantize, dequantize].map { $0.op.linearQuantization?.axis }
    guard let s = scale(quantize), let z = zero(quantize) else { return false }
    return s == scale(dequantize) && z == zero(dequantize)
      && (max(s.count, z.count) == 1 || axes[0] == axes[1])
  }

  func write(_ name: String, to output: ValueID, in graph: inout Graph) {
    var input = source
    if isConstant, let floats = dequantized(graph[source].constant) {
      guard bits != nil else {
        graph.replaceAllUses(of: output, with: graph.addConstant(name: name + "_floats", floats))
        return
      }
      input = graph.addConstant(name: graph[source].name + "_floats", floats)
    }
    let rank = graph[input].constant?.rank ?? graph[input].type?.rank ?? 0
    func parameter(_ values: [Float], _ suffix: String) -> ValueID {
      var shape: [Int] = []
      if values.count > 1 {
        shape = [Int](repeating: 1, count: rank)
        shape[axis] = values.count
      }
      return graph.addConstant(name: name + suffix, Tensor(values, shape: shape))
    }
    let scale = parameter(scales, "_scale")
    let zero = parameter(zeroPoints.map { Float($0) }, "_zero_point")
    let width = graph.addConstant(name: name + "_bits", Tensor(scalar: Float(bits ?? 8)))
    graph.addNode(
      Quant(isSigned: isSigned, isNarrow: isNarrow), name: name,
      inputs: [input, scale, zero, width], outputs: [output])
  }

  /// `(code - zero point) * scale` of constant codes.
  private func dequantized(_ codes: Tensor?) -> Tensor? {
    guard let codes, let integers = codes.integers() else { return nil }
    let inner = codes.shape.dropFirst(axis + 1).reduce(1, *)
    return Tensor(
      integers.indices.map { index in
        let channel = index / max(inner, 1)
        let code = min(max(integers[index], limits.lowerBound), limits.upperBound)
        return Float(code - zeroPoints[channel % zeroPoints.count]) * scales[channel % scales.count]
      }, shape: codes.shape)
  }
}
