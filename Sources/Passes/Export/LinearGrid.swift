import AccumulatorBounds
import GraphIR
import Operators
import TensorCore

/// An activation's integers as an integer operator reads them.
struct ActivationCodes {
  var codes: ValueID
  var zeroPoint: ValueID
  var scale: Float
}

/// The linear quantization whose steps a value is made of.
struct LinearGrid: Hashable {
  let scale: Float
  let zeroPoint: Int
  let container: IntegerType
  /// Codes that can occur, zero point included.
  let range: ClosedRange<Int>
  /// The codes and their zero point, where the value is nothing but them dequantized.
  private(set) var source: Source?

  struct Source: Hashable {
    let codes: ValueID
    let zeroPoint: ValueID?
  }

  /// `nil` where a value isn't dequantized with one scale, or passes operators that compute.
  init?(of value: ValueID, in graph: Graph) {
    guard let node = graph.producer(of: value) else { return nil }
    if node.op.readsCodes {
      self.init(node, in: graph)
      return
    }
    guard let positions = node.movedInputs(to: value) else { return nil }
    var common: LinearGrid?
    for position in positions {
      guard let input = node.inputs[position], var grid = LinearGrid(of: input, in: graph) else {
        return nil
      }
      grid.source = nil
      if let common, common != grid { return nil }
      common = grid
    }
    guard let common else { return nil }
    self = common
  }

  private init?(_ node: Node, in graph: Graph) {
    func scalar(_ position: Int) -> Tensor? {
      guard position < node.inputs.count else { return nil }
      let tensor = node.inputs[position].flatMap { graph[$0].constant }
      return tensor?.count == 1 ? tensor : nil
    }
    guard let codes = node.inputs[0], graph[codes].constant == nil,
      let scale = scalar(1)?.convertedToFloat()?.elements(of: Float.self).first
    else { return nil }
    var zero: Tensor?
    if node.inputs.count > 2, node.inputs[2] != nil {
      guard let tensor = scalar(2) else { return nil }
      zero = tensor
    }
    // The type of the codes, from what computes them.
    var type = zero?.elementType
    var range: ClosedRange<Int>?
    if let limits = CodeLimits(of: codes, in: graph) {
      range = limits.range
      type = type ?? limits.elementType
    }
    type = type ?? graph[codes].type?.elementType
    switch type {
    case .int8: container = .int8
    case .uint8: container = .uint8
    default: return nil
    }
    self.scale = scale
    zeroPoint = zero?.integers()?.first ?? 0
    self.range = range ?? container.limits
    source = Source(codes: codes, zeroPoint: node.inputs.count > 2 ? node.inputs[2] : nil)
  }

  /// The integers of a value on this grid: those that are there, or quantized anew, which gives the same.
  func codes(of value: ValueID, in graph: inout Graph, _ scalars: inout SharedScalars)
    -> ActivationCodes
  {
    let zero = scalars.value(zeroPoint, container, in: &graph)
    if let source {
      return ActivationCodes(
        codes: source.codes, zeroPoint: source.zeroPoint ?? zero, scale: scale)
    }
    let name = graph[value].name
    let step = graph.addConstant(name: name + "_step", Tensor(scalar: scale))
    var codes = graph.addNode(
      QuantizeLinear(), name: name + "_quantize", inputs: [value, step, zero],
      output: name + "_integers",
      type: graph[value].type.map { TensorType(container.elementType, $0.dimensions) })
    if range != container.limits {
      let low = scalars.value(range.lowerBound, container, in: &graph)
      let high = scalars.value(range.upperBound, container, in: &graph)
      codes = graph.addNode(
        Clip(), name: name + "_clip", inputs: [codes, low, high], output: name + "_clipped",
        type: graph[codes].type)
    }
    return ActivationCodes(codes: codes, zeroPoint: zero, scale: scale)
  }
}

/// A constant weight behind `DequantizeLinear`, as integers less their zero point.
struct LinearWeight {
  let codes: [Int]
  let shape: [Int]
  /// One, or one for each index of `axis`.
  let scales: [Float]
  let axis: Int?

  init?(_ value: ValueID, in graph: Graph) {
    guard let node = graph.producer(of: value), node.op.readsCodes,
      let form = node.op.linearQuantization, let data = node.inputs[0],
      let scale = node.inputs[1].flatMap({ graph[$0].constant }),
      let steps = scale.convertedToFloat()?.elements(of: Float.self)
    else { return nil }
    var limits: ClosedRange<Int>?
    var stored = graph[data].constant
    if stored == nil, let clipped = CodeLimits(of: data, in: graph) {
      limits = clipped.range
      stored = graph[clipped.source].constant
    }
    guard let tensor = stored, let integers = tensor.integers(), tensor.rank > 0 else { return nil }
    var zeros = [0]
    if node.inputs.count > 2, let zero = node.inputs[2] {
      guard let values = graph[zero].constant?.integers() else { return nil }
      zeros = values
    }
    let along = form.axis < 0 ? form.axis + tensor.rank : form.axis
    axis = steps.count == 1 && zeros.count == 1 ? nil : along
    let count = max(steps.count, zeros.count)
    guard axis == nil || (tensor.shape.indices.contains(along) && tensor.shape[along] == count),
      steps.count == 1 || steps.count == count, zeros.count == 1 || zeros.count == count
    else { return nil }
    let inner = axis.map { tensor.shape[($0 + 1)...].reduce(1, *) } ?? 1
    codes = integers.enumerated().map { index, code in
      let clipped = limits.map { min(max(code, $0.lowerBound), $0.upperBound) } ?? code
      return clipped - zeros[zeros.count == 1 ? 0 : index / inner % count]
    }
    shape = tensor.shape
    scales = steps.count == count ? steps : [Float](repeating: steps[0], count: count)
    guard codes.allSatisfy({ (-128...127).contains($0) }) else { return nil }
  }

  /// Codes and shape of the transposed matrix.
  ///
  /// - Precondition: the weight has two axes.
  func transposed() -> (codes: [Int], shape: [Int]) {
    let (rows, columns) = (shape[0], shape[1])
    return (
      (0..<codes.count).map { codes[$0 % rows * columns + $0 / rows] }, [columns, rows]
    )
  }
}
