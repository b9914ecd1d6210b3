import Execution
import GraphIR
import Quantizers
import TensorCore

/// Rewrites a quantized graph so that its convolutions multiply integers.
///
/// 1. A quantizer of activations with one scale, no zero point and at most 8 bits gives integers.
/// 2. A convolution's constant weight behind a symmetric quantizer becomes that quantizer's integers.
///
/// Everything else stays as it is, and reads floats.
struct IntegerLowering {
  private(set) var graph: Graph
  /// The weights that integers replace: constants that only tell shapes.
  private(set) var weights: [ValueID] = []

  /// `nil` where no convolution reads integers on both sides.
  init?(_ graph: Graph) {
    self.graph = graph
    guard let order = try? graph.topologicalOrder() else { return nil }
    for id in order { lower(weightOf: id) }
    guard !weights.isEmpty else { return nil }
    for id in order where self.graph.contains(id) { lower(activation: id) }
    self.graph.removeUnusedValues()
  }

  private mutating func lower(weightOf id: NodeID) {
    let node = graph[id]
    guard node.op is Conv, node.inputs.count > 1,
      let data = node.inputs[0].flatMap(graph.producer), Activation(data, in: graph) != nil,
      let quantizer = node.inputs[1].flatMap(graph.producer),
      let weight = Weight(quantizer, in: graph)
    else { return }
    // Fed to the plan, so that it isn't folded away as a constant would be.
    let shape = graph.addConstant(name: graph[weight.value].name, weight.tensor)
    let integers = graph.addNode(
      IntegerWeight(codes: weight.codes, scales: weight.scales), name: quantizer.name,
      inputs: [shape], output: node.name + "_weight_integers", type: weight.tensor.type)
    graph.setInput(id, 1, to: integers)
    weights.append(shape)
  }

  private mutating func lower(activation id: NodeID) {
    let node = graph[id]
    guard let activation = Activation(node, in: graph), case let input?? = node.inputs.first,
      case let output?? = node.outputs.first, graph[input].constant == nil
    else { return }
    graph.remove(id)
    graph.addNode(
      PointwiseChain(quantizers: [ChainQuantizer(activation.format, parameter: .step)]),
      name: node.name, inputs: [input, activation.step], outputs: [output])
  }

  /// A quantizer of activations that integers of one step can express.
  private struct Activation {
    let format: ActivationFormat
    let step: ValueID

    init?(_ node: Node, in graph: Graph) {
      guard let parameters = Parameters(node, in: graph), !parameters.quantizer.isNarrow,
        parameters.scales.count == 1, let step = node.inputs[1]
      else { return nil }
      format = ActivationFormat(bits: parameters.bits, signed: parameters.quantizer.isSigned)
      self.step = step
    }
  }

  /// A constant weight with the integers that its quantizer makes of it.
  private struct Weight {
    let value: ValueID
    let tensor: Tensor
    let codes: Tensor
    let scales: [Float]

    init?(_ node: Node, in graph: Graph) {
      guard let parameters = Parameters(node, in: graph), parameters.quantizer.isSigned,
        let value = node.inputs[0], let tensor = graph[value].constant,
        tensor.elementType == .float32, tensor.rank >= 3, tensor.count > 0
      else { return nil }
      let channels = tensor.shape[0]
      let scales = parameters.scales
      guard
        scales.count == 1
          || (scales.count == channels && parameters.scaleShape.first == channels
            && parameters.scaleShape.count == tensor.rank)
      else { return nil }
      let limits = parameters.quantizer.limits(bits: parameters.bits)
      let length = tensor.count / channels
      self.value = value
      self.tensor = tensor
      self.scales = scales.count == channels ? scales : Array(repeating: scales[0], count: channels)
      let steps = self.scales
      codes = tensor.withElements(of: Float.self) { weights in
        Tensor(shape: tensor.shape, of: Int8.self) { codes in
          for index in weights.indices {
            let q = (weights[index] / steps[index / length]).rounded(.toNearestOrEven)
            codes[index] = Int8(min(max(q, Float(limits.lowerBound)), Float(limits.upperBound)))
          }
        }
      }
    }
  }

  /// Constant parameters of a quantizer that rounds to nearest, without a zero point.
  private struct Parameters {
    let quantizer: Quant
    let bits: Int
    let scales: [Float]
    let scaleShape: [Int]

    init?(_ node: Node, in graph: Graph) {
      guard let quantizer = node.op as? Quant, node.inputs.count == 4,
        quantizer.rounding == .round || quantizer.rounding == .halfEven
      else { return nil }
      func constant(_ position: Int) -> Tensor? {
        node.inputs[position].flatMap { graph[$0].constant }
      }
      guard let scale = constant(1), scale.elementType == .float32,
        let zero = constant(2)?.convertedToFloat()?.elements(of: Float.self),
        zero.allSatisfy({ $0 == 0 }), let width = constant(3), width.count == 1,
        let bits = try? Quant.bitWidth(width), (2...8).contains(bits)
      else { return nil }
      self.quantizer = quantizer
      self.bits = bits
      scales = scale.elements(of: Float.self)
      scaleShape = scale.shape
      guard scales.allSatisfy({ $0 > 0 && $0.isFinite }) else { return nil }
    }
  }
}

extension IntegerSession {
  /// `nil` where no convolution of the graph multiplies integers, or the CPU adds their products only with
  /// saturation.
  package convenience init?(graph: Graph) {
    guard let lowering = IntegerLowering(graph) else { return nil }
    self.init(integers: lowering.graph, weights: lowering.weights)
  }
}
