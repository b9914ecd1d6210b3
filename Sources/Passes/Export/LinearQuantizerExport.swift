import AccumulatorBounds
import GraphIR
import Operators
import TensorCore

/// Writes QONNX quantizers as ONNX linear quantization.
///
/// 1. `Quant(constant)` -> `DequantizeLinear(codes)`; in 8-bit containers a `Clip` between states the width of
///    narrower codes.
/// 2. `Quant(constant)` of a bias, signed and without a zero point -> `DequantizeLinear(codes)` of 32-bit codes.
/// 3. `Quant(x)` -> `DequantizeLinear(Clip(QuantizeLinear(x)))`, without the `Clip` where the codes fill their
///    type.
///
/// Integers and scales stay as they are. `round(x / s) + z` here and `round(x / s + z)` there differ at ties of
/// an odd zero point alone.
package struct LinearQuantizerExport: Pass {
  package static let name = "linear-quantizer-export"
  package static let mustFollow: [any Pass.Type] = [
    ShapeInference.self, NormalizationIntoScale.self, NormalizationToThresholds.self,
  ]

  /// Whether codes of at most 4 bits are held in INT4 and UINT4 (opset 21).
  package let usesFourBits: Bool

  package init(usesFourBits: Bool) { self.usesFourBits = usesFourBits }

  package func run(_ graph: inout Graph) throws(PassError) -> [Edit] {
    var edits: [Edit] = []
    var constants = SharedScalars()
    for id in graph.nodeIDs {
      guard let quant = graph[id].quant else { continue }
      let node = graph[id]
      let isConstant = isConstant(node, graph)
      let isAddend = isConstant && isAddend(node, graph)
      let parameters = try QuantizerParameters(node, quant, in: graph, isAddend: isAddend)
      let form =
        isAddend
        ? Form.addend
        : Form(
          parameters, usesFourBits: usesFourBits && runtimesTakeFourBits(node, parameters, graph),
          isConstant: isConstant)
      let codes = try codes(node, parameters, form, &graph, &constants)
      let scale = graph.addConstant(name: node.name + "_scale", parameters.scaleTensor)
      // 32-bit codes have no zero point.
      let zero =
        isAddend ? [] : [zeroPoint(node, parameters, form, &graph, &constants)]
      graph.remove(id)
      graph.addNode(
        DequantizeLinear(axis: parameters.axis ?? 1), name: node.name + "_dequantize",
        inputs: [codes, scale] + zero, outputs: [parameters.output])
      edits.append(Edit(node: node.name, "written as \(form.container.elementType.onnxName)"))
    }
    if !edits.isEmpty { graph.removeUnusedValues() }
    return edits
  }

  private func isConstant(_ node: Node, _ graph: Graph) -> Bool {
    node.inputs[0].map { graph[$0].constant != nil } ?? false
  }

  /// Whether onnxruntime's default session computes a quantizer in a 4-bit type as it is written: it drops a rectifier
  /// in front of a signed one, and doesn't load a model with a clip in front of one or maximum pooling behind one.
  private func runtimesTakeFourBits(
    _ node: Node, _ parameters: QuantizerParameters, _ graph: Graph
  ) -> Bool {
    guard graph[parameters.input].constant == nil else { return true }
    if let producer = graph.producer(of: parameters.input) {
      if producer.op.isRectifier {
        if parameters.isSigned { return false }
      } else if producer.op.outputRange({ _ in nil })?.isClip == true {
        return false
      }
    }
    return !isPooled(parameters.output, graph)
  }

  /// Whether a maximum is taken of a value, or of its elements wherever they are moved.
  private func isPooled(_ value: ValueID, _ graph: Graph) -> Bool {
    var found: Set = [value]
    var open = [value]
    while let value = open.popLast() {
      for reader in graph.consumers(of: value).map({ graph[$0] }) {
        if reader.op.isHomogeneous, reader.op.movement?.arrangement == .selected { return true }
        for case let output? in reader.outputs {
          let moved = reader.movedInputs(to: output) ?? []
          guard moved.contains(where: { reader.inputs[$0] == value }) else { continue }
          if found.insert(output).inserted { open.append(output) }
        }
      }
    }
    return false
  }

  /// Whether the quantizer's readers add it to sums.
  private func isAddend(_ node: Node, _ graph: Graph) -> Bool {
    guard case let output?? = node.outputs.first, !graph.isOutput(output) else { return false }
    return graph.consumers(of: output).allSatisfy { id in
      let reader = graph[id]
      guard let form = reader.op.dotProduct else { return reader.op.elementwise == .sum }
      return form.biasPosition.map { position in
        reader.inputs.indices.allSatisfy { (reader.inputs[$0] == output) == ($0 == position) }
      } ?? false
    }
  }

  /// How one quantizer is written.
  private struct Form {
    let container: IntegerType
    let needsClip: Bool

    static let addend = Form(container: .int32, needsClip: false)

    private init(container: IntegerType, needsClip: Bool) {
      self.container = container
      self.needsClip = needsClip
    }

    init(_ parameters: QuantizerParameters, usesFourBits: Bool, isConstant: Bool) {
      let four: IntegerType = parameters.isSigned ? .int4 : .uint4
      let eight: IntegerType = parameters.isSigned ? .int8 : .uint8
      // No runtime clips 4-bit types, so that what is computed must fill them.
      let fits =
        four.limits.contains(parameters.limits.lowerBound)
        && four.limits.contains(parameters.limits.upperBound)
        && parameters.zeroPoints.allSatisfy(four.limits.contains)
      let isFour = usesFourBits && fits && (isConstant || parameters.limits == four.limits)
      container = isFour ? four : eight
      needsClip = !isFour && parameters.limits != eight.limits
    }
  }

  private func codes(
    _ node: Node, _ parameters: QuantizerParameters, _ form: Form, _ graph: inout Graph,
    _ constants: inout SharedScalars
  ) throws(PassError) -> ValueID {
    let name = node.name
    var codes: ValueID
    if let constant = graph[parameters.input].constant {
      guard let integers = parameters.codes(of: constant) else {
        throw .node(
          name: name, type: node.op.type,
          .unsupported(what: "a weight of \(constant.elementType.onnxName)"))
      }
      codes = graph.addConstant(
        name: graph[parameters.input].name + "_integers",
        form.container.tensor(integers, shape: constant.shape))
    } else {
      let scale = graph.addConstant(name: name + "_step", parameters.scaleTensor)
      let zero = zeroPoint(node, parameters, form, &graph, &constants)
      codes = graph.addNode(
        QuantizeLinear(axis: parameters.axis ?? 1), name: name + "_quantize",
        inputs: [parameters.input, scale, zero], output: name + "_integers",
        type: graph[parameters.input].type.map {
          TensorType(form.container.elementType, $0.dimensions)
        })
    }
    guard form.needsClip else { return codes }
    let low = constants.value(parameters.limits.lowerBound, form.container, in: &graph)
    let high = constants.value(parameters.limits.upperBound, form.container, in: &graph)
    codes = graph.addNode(
      Clip(), name: name + "_clip", inputs: [codes, low, high], output: name + "_clipped",
      type: graph[codes].type)
    return codes
  }

  private func zeroPoint(
    _ node: Node, _ parameters: QuantizerParameters, _ form: Form, _ graph: inout Graph,
    _ constants: inout SharedScalars
  ) -> ValueID {
    if parameters.axis == nil {
      return constants.value(parameters.zeroPoints[0], form.container, in: &graph)
    }
    return graph.addConstant(
      name: node.name + "_zero_point",
      form.container.tensor(parameters.zeroPoints, shape: [parameters.zeroPoints.count]))
  }
}

extension QuantizerParameters {
  /// A scalar, or one entry for each index of the axis.
  fileprivate var scaleTensor: Tensor { Tensor(scales, shape: axis == nil ? [] : [scales.count]) }
}

/// Integer scalars that the nodes of a graph share.
struct SharedScalars {
  private struct Key: Hashable {
    var value: Int
    var container: IntegerType
  }

  private var known: [Key: ValueID] = [:]

  mutating func value(_ value: Int, _ container: IntegerType, in graph: inout Graph) -> ValueID {
    let key = Key(value: value, container: container)
    if let id = known[key] { return id }
    let sign = value < 0 ? "minus_\(-value)" : "\(value)"
    let id = graph.addConstant(
      name: "\(container.elementType.onnxName)_\(sign)", container.tensor([value], shape: []))
    known[key] = id
    return id
  }
}
