import GraphIR
import Operators
import TensorCore

/// Lets dot products of linearly quantized operands run on the integers.
///
///     Conv(DequantizeLinear(x, s, z), DequantizeLinear(w, t, 0), b)
///     ->  Add(Mul(Cast(ConvInteger(x, w, z)), s * t), b)
///
/// 1. Conv becomes ConvInteger.
/// 2. A bias of 32-bit codes on the accumulator's scale, `DequantizeLinear(b, s * t)`, is added to the integers:
///    `Mul(Cast(Add(ConvInteger(x, w, z), b)), s * t)`; that of a MatMul is an Add's.
/// 3. MatMul with its weight on the right, and Gemm without a transposed left operand, become MatMulInteger.
///
/// Between the quantizer and the layer may stand operators that only move values; the integers are then taken
/// anew, exactly. Weights beyond 64 are held as unsigned bytes around 128: runtimes add pairs of products of
/// unsigned by signed bytes in 16 bits on CPUs without VNNI. Other layers stay on floats.
public struct IntegerLayerExport: Pass {
  public static let name = "integer-layer-export"
  public static let mustFollow: [any Pass.Type] = [LinearQuantizerExport.self]

  public init() {}

  public func run(_ graph: inout Graph) throws(PassError) -> [Edit] {
    var edits: [Edit] = []
    var scalars = SharedScalars()
    var taken: [ValueID: ActivationCodes] = [:]
    for id in graph.nodeIDs {
      guard graph.contains(id), case let data?? = graph[id].inputs.first,
        let source = LinearGrid(of: data, in: graph),
        let layer = Layer(id, input: source.scale, in: graph)
      else { continue }
      let node = graph[id]
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

    init?(_ id: NodeID, input: Float, in graph: Graph) {
      let node = graph[id]
      guard node.inputs.count > 1, let value = node.inputs[1], let data = node.inputs[0],
        graph[data].constant == nil, let weight = LinearWeight(value, in: graph)
      else { return nil }
      var alpha: Float = 1
      var beta: Float = 1
      var (codes, shape) = (weight.codes, weight.shape)
      let channelAxis: Int
      switch node.op {
      case is Conv: channelAxis = 0
      case let gemm as Gemm where !gemm.transposesA && shape.count == 2:
        (alpha, beta) = (gemm.alpha, gemm.beta)
        channelAxis = gemm.transposesB ? 0 : 1
        if gemm.transposesB {
          let (rows, columns) = (shape[0], shape[1])
          codes = (0..<codes.count).map { weight.codes[$0 % rows * columns + $0 / rows] }
          shape = [columns, rows]
        }
      case is MatMul where shape.count == 2: channelAxis = 1
      default: return nil
      }
      guard weight.scales.count == 1 || weight.axis == channelAxis, alpha > 0 else { return nil }
      scales = weight.scales.map { $0 * alpha }
      if node.inputs.count > 2, let added = node.inputs[2] {
        add = nil
        integerBias =
          beta == 1
          ? LinearBias(added, in: graph)?.integers(on: scales.map { $0 * input }) : nil
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
        let behind = node.op is MatMul ? LinearBias.behind(node, in: graph) : nil
        integerBias = behind?.bias.integers(on: scales.map { $0 * input })
        add = integerBias == nil ? nil : behind?.add
      }
      self.id = id
      self.codes = codes
      self.shape = shape
    }

    func replace(in graph: inout Graph, _ data: ActivationCodes, _ scalars: inout SharedScalars) {
      let node = graph[id]
      guard case let output?? = (add.map { graph[$0] } ?? node).outputs.first else { return }
      let isWide = codes.contains { abs($0) > 64 }
      let container: Container = isWide ? .uint8 : .int8
      let offset = isWide ? 128 : 0
      let weight = graph.addConstant(
        name: node.name + "_weight_integers",
        container.tensor(codes.map { $0 + offset }, shape: shape))
      let convolution = node.op as? Conv
      let op: any Operator =
        convolution.map { IntegerProduct.convolution($0) } ?? IntegerProduct.matrix
      let type = graph[output].type
      if let add { graph.remove(add) }
      graph.remove(id)
      // Along the channels of a convolution's output; a matrix product's stand last.
      let trailing = convolution == nil ? [] : [Int](repeating: 1, count: shape.count - 2)
      var sums = graph.addNode(
        op, name: node.name,
        inputs: [
          data.codes, weight, data.zeroPoint, scalars.value(offset, container, in: &graph),
        ],
        output: node.name + "_accumulator", type: type.map { TensorType(.int32, $0.dimensions) })
      if let integerBias {
        let addend = graph.addConstant(
          name: node.name + "_bias_integers",
          convolution == nil
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
      guard let bias else {
        graph.addNode(
          Mul(), name: node.name + "_rescale", inputs: [floats, scale], outputs: [output])
        return
      }
      let products = graph.addNode(
        Mul(), name: node.name + "_rescale", inputs: [floats, scale],
        output: node.name + "_products", type: type)
      let addend = graph.addConstant(
        name: node.name + "_bias",
        convolution == nil ? bias : bias.reshaped([bias.count] + trailing) ?? bias)
      graph.addNode(
        Add(), name: node.name + "_add_bias", inputs: [products, addend], outputs: [output])
    }
  }
}

/// The integer operators that this package writes, as undecoded nodes: their kernels have files of their own.
private enum IntegerProduct {
  static func convolution(_ conv: Conv) -> OpaqueOperator {
    OpaqueOperator(domain: "", type: "ConvInteger", attributes: conv.attributes())
  }

  static let matrix = OpaqueOperator(domain: "", type: "MatMulInteger", attributes: [])
}
