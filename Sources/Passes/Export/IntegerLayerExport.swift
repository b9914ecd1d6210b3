import AccumulatorBounds
import GraphIR
import Operators
import TensorCore

/// Lets dot products of linearly quantized operands run on the integers.
///
///     Conv(DequantizeLinear(x, s, z), DequantizeLinear(w, t, 0), b)
///     ->  Add(Mul(Cast(ConvInteger(x, w, z)), s * t), b)
///
/// 1. Conv becomes ConvInteger.
/// 2. MatMul with its weight on the right, and Gemm without a transposed left operand, become MatMulInteger.
/// 3. MatMul with its weight on the left becomes the transposed product, `W x = (x^T W^T)^T`: runtimes compute
///    the order of 2 without saturation, and the transpositions move bytes before and floats behind.
/// 4. A bias of 32-bit codes on the accumulator's scale, `DequantizeLinear(b, s * t)`, is added to the integers:
///    `Mul(Cast(Add(ConvInteger(x, w, z), b)), s * t)`; that of a MatMul is an Add's.
///
/// Between the quantizer and the layer may stand operators that only move values; the integers are then taken
/// anew, exactly. Weights beyond 64 are held as unsigned bytes around 128 where the inputs are unsigned: runtimes add
/// pairs of products of unsigned by signed bytes in 16 bits on CPUs without VNNI. Beside signed inputs they stay signed,
/// for the same reason. Other layers stay on floats.
package struct IntegerLayerExport: Pass {
  package static let name = "integer-layer-export"
  package static let mustFollow: [any Pass.Type] = [LinearQuantizerExport.self]

  package init() {}

  package func run(_ graph: inout Graph) throws(PassError) -> [Edit] {
    var edits: [Edit] = []
    var scalars = SharedScalars()
    var taken: [ValueID: ActivationCodes] = [:]
    for id in graph.nodeIDs {
      guard graph.contains(id), let layer = Layer(id, in: graph) else { continue }
      let node = graph[id]
      let (data, source) = (layer.data, layer.source)
      let codes = taken[data] ?? source.codes(of: data, in: &graph, &scalars)
      taken[data] = codes
      layer.replace(in: &graph, codes, &scalars)
      edits.append(Edit(node: node.name, "multiplies integers"))
    }
    if !edits.isEmpty { graph.removeUnusedValues() }
    return edits
  }

  /// A layer whose weight is a constant of integers with one scale, or one an output channel.
  private struct Layer {
    let id: NodeID
    let kind: DotProductLayer.Kind
    let data: ValueID
    let source: LinearGrid
    /// The order of axes that turns the data, and the sums, of a product with the weight on its left around.
    let transposition: [Int]?
    /// The weight as the integer operator takes it.
    let codes: [Int]
    let shape: [Int]
    /// One, or one an output channel; `alpha` of a Gemm included.
    let scales: [Float]
    let bias: Tensor?
    /// In steps of the accumulator.
    let integerBias: Tensor?
    /// The Add behind a MatMul that adds the bias.
    let add: NodeID?

    init?(_ id: NodeID, in graph: Graph) {
      let node = graph[id]
      guard let form = node.op.dotProduct, form.kind != .transposedConvolution else { return nil }
      var weights: [ValueID: LinearWeight] = [:]
      let layer = DotProductLayer(id, in: graph) { value in
        weights[value] = LinearWeight(value, in: graph)
        return weights[value]?.shape
      }
      guard let layer, let data = layer.data(in: graph), graph[data].constant == nil,
        let source = LinearGrid(of: data, in: graph),
        let weight = node.inputs[layer.weightPosition].flatMap({ weights[$0] }),
        weight.scales.count == 1 || weight.axis == layer.channelAxis, form.alpha > 0
      else { return nil }
      let isLeft = layer.weightPosition == 0
      var (codes, shape) = (weight.codes, weight.shape)
      if layer.kind == .matrix {
        guard shape.count == 2, form.kind == .matMul || !isLeft && !form.transposesLeft else {
          return nil
        }
        if layer.channelAxis == 0 { (codes, shape) = weight.transposed() }
      }
      if isLeft {
        guard let rank = graph[data].type?.dimensions?.count else { return nil }
        transposition = rank < 2 ? nil : Array(0..<rank - 2) + [rank - 1, rank - 2]
      } else {
        transposition = nil
      }
      scales = weight.scales.map { $0 * form.alpha }
      let steps = scales.map { $0 * source.scale }
      if node.inputs.count > 2, let added = node.inputs[2] {
        add = nil
        let beta = form.beta
        integerBias =
          beta == 1
          ? LinearBias(added, in: graph)?.integers(on: steps) : nil
        if integerBias == nil {
          guard
            let tensor = graph[added].constant?.convertedToFloat()
              ?? LinearBias(added, in: graph)?.values
          else { return nil }
          bias =
            beta == 1
            ? tensor
            : Tensor(tensor.elements(of: Float.self).map { $0 * beta }, shape: tensor.shape)
        } else {
          bias = nil
        }
      } else {
        bias = nil
        let behind =
          form.biasPosition == nil && !isLeft ? LinearBias.behind(layer, in: graph) : nil
        integerBias = behind?.bias.integers(on: steps)
        add = integerBias == nil ? nil : behind?.add
      }
      self.id = id
      kind = layer.kind
      self.data = data
      self.source = source
      self.codes = codes
      self.shape = shape
    }

    func replace(in graph: inout Graph, _ data: ActivationCodes, _ scalars: inout SharedScalars) {
      let node = graph[id]
      guard case let output?? = (add.map { graph[$0] } ?? node).outputs.first else { return }
      let isWide = source.container == .uint8 && codes.contains { abs($0) > 64 }
      let container: IntegerType = isWide ? .uint8 : .int8
      let offset = isWide ? 128 : 0
      let weight = graph.addConstant(
        name: node.name + "_weight_integers",
        container.tensor(codes.map { $0 + offset }, shape: shape))
      let op = IntegerProduct.of(node, kind)
      let type = transposed(graph[output].type)
      if let add { graph.remove(add) }
      graph.remove(id)
      // Along the channels of a convolution's output; a matrix product's stand last.
      let trailing = kind == .matrix ? [] : [Int](repeating: 1, count: shape.count - 2)
      var sums = graph.addNode(
        op, name: node.name,
        inputs: [
          turned(data.codes, in: &graph), weight, data.zeroPoint,
          scalars.value(offset, container, in: &graph),
        ],
        output: node.name + "_accumulator", type: type.map { TensorType(.int32, $0.dimensions) })
      if let integerBias {
        let addend = graph.addConstant(
          name: node.name + "_bias_integers",
          kind == .matrix
            ? integerBias : integerBias.reshaped([integerBias.count] + trailing) ?? integerBias)
        sums = graph.addNode(
          Add(), name: node.name + "_add_bias", inputs: [sums, addend],
          output: node.name + "_biased", type: graph[sums].type)
      }
      let floats = graph.addNode(
        Cast(to: .float32), name: node.name + "_cast", inputs: [sums],
        output: node.name + "_sums", type: type)
      let scale = graph.addConstant(
        name: node.name + "_output_scale",
        Tensor(
          scales.map { $0 * data.scale }, shape: scales.count == 1 ? [] : [scales.count] + trailing)
      )
      guard bias != nil || transposition != nil else {
        graph.addNode(
          Mul(), name: node.name + "_rescale", inputs: [floats, scale], outputs: [output])
        return
      }
      let products = graph.addNode(
        Mul(), name: node.name + "_rescale", inputs: [floats, scale],
        output: node.name + "_products", type: type)
      guard let bias else {
        if let transposition {
          graph.addNode(
            Transpose(permutation: transposition), name: node.name + "_turn_back",
            inputs: [products], outputs: [output])
        }
        return
      }
      let addend = graph.addConstant(
        name: node.name + "_bias",
        kind == .matrix ? bias : bias.reshaped([bias.count] + trailing) ?? bias)
      graph.addNode(
        Add(), name: node.name + "_add_bias", inputs: [products, addend], outputs: [output])
    }

    /// The data as the transposed product reads them.
    private func turned(_ codes: ValueID, in graph: inout Graph) -> ValueID {
      guard let transposition else { return codes }
      let name = graph[codes].name
      return graph.addNode(
        Transpose(permutation: transposition), name: name + "_turn", inputs: [codes],
        output: name + "_turned", type: transposed(graph[codes].type))
    }

    private func transposed(_ type: TensorType?) -> TensorType? {
      guard let transposition, let type, let dimensions = type.dimensions,
        dimensions.count == transposition.count
      else { return type }
      return TensorType(type.elementType, transposition.map { dimensions[$0] })
    }
  }
}

/// The integer operators that this package writes, as undecoded nodes: their kernels have files of their own.
private enum IntegerProduct {
  static func of(_ node: Node, _ kind: DotProductLayer.Kind) -> OpaqueOperator {
    switch kind {
    case .convolution:
      OpaqueOperator(domain: "", type: "ConvInteger", attributes: node.op.writtenAttributes)
    case .matrix: OpaqueOperator(domain: "", type: "MatMulInteger", attributes: [])
    }
  }
}
