import CKernels
import DNNEngine
import GraphIR
import Quantizers
import TensorCore

/// The kernel of a ``PointwiseChain``: one pass forward, or two with batch statistics; the same backward.
///
/// Operands may stand in different layouts with channels in blocks, as floats or as integers; nothing is kept
/// for backward, which computes the chain again from what it read.
package final class ChainKernel: TrainingKernel {
  /// A data operand: x or the second summand.
  struct Source {
    var input: Int
    var integers: IntegerForm?
    /// The layout in which it is read as floats.
    var layout: TensorLayout
    var view: snug_view
    /// Its first entry in forward's operand list.
    var operand: Int
  }

  /// Where the operands of a normalization stand in forward's list.
  struct NormalizationOperands {
    var scale: Int
    var bias: Int
    var mean: Int
    var variance: Int
  }

  let op: PointwiseChain
  let grid: ChannelGrid
  let usesBatchStatistics: Bool
  let sources: [Source]
  let normalizationOperands: NormalizationOperands?
  /// Where the parameters of the quantizers stand in forward's list.
  private let parameterOperands: [Int]
  package let inputs: [FormRequest?]
  package let outputs: [OutputForm]
  package let label: String
  /// v = raw * scales + offsets, for each source.
  let scales: [ScratchBuffer<Float>]
  let offsets: [ScratchBuffer<Float>]
  /// normalised = raw * normalScale + normalOffset.
  let normalScale: ScratchBuffer<Float>
  let normalOffset: ScratchBuffer<Float>
  /// 1 / sqrt(var + epsilon).
  let inverseDeviation: ScratchBuffer<Float>
  let pivot: ScratchBuffer<Float>
  let sums: PartialSums?
  /// Steps of the quantizers in the last forward run.
  var steps: [Float]

  package init(_ op: PointwiseChain, _ context: FormContext) throws(KernelError) {
    self.op = op
    let x = try context.input(0)
    // Dimension 1 is the channel of layers and images; other tensors are rows of features.
    let isLayer =
      op.normalization != nil || x.value.shape.count > 3 || x.integers != nil
      || x.value.layout != .rowMajor
    let grid = ChannelGrid(x.value.shape, isRows: !isLayer)
    self.grid = grid
    usesBatchStatistics = op.normalization != nil && !context.options.freezesNormalization
    var requests: [FormRequest?] = []
    var sources: [Source] = []
    /// The first entry of each operand in forward's list.
    var places: [PointwiseChain.Operand: Int] = [:]
    var next = 0
    for (position, operand) in op.operands.enumerated() {
      var request = FormRequest.rowMajor
      if operand.isData {
        let source = try Self.source(position, context, grid, operand: next)
        sources.append(source)
        request = source.integers == nil ? .floats(.layout(source.layout)) : .integers(nil)
      }
      requests.append(request)
      places[operand] = next
      next += request.operandCount
    }
    inputs = requests
    self.sources = sources
    parameterOperands = op.quantizers.indices.compactMap { places[.quantizer($0)] }
    if let scale = places[.scale], let bias = places[.bias], let mean = places[.mean],
      let variance = places[.variance]
    {
      normalizationOperands = NormalizationOperands(
        scale: scale, bias: bias, mean: mean, variance: variance)
    } else {
      normalizationOperands = nil
    }
    let last = try grid.channelsLast()
    var forms: [OutputForm] = []
    if op.stages.contains(.values) {
      let layout = sources[0].integers == nil ? sources[0].layout : last
      forms.append(OutputForm(floats: layout))
    }
    for quantizer in op.quantizers {
      forms.append(OutputForm(integers: try IntegerForm(quantizer.format, grid.shape, last)))
    }
    outputs = forms
    scales = sources.map { _ in ScratchBuffer(grid, repeating: 1) }
    offsets = sources.map { _ in ScratchBuffer(grid) }
    normalScale = ScratchBuffer(grid)
    normalOffset = ScratchBuffer(grid)
    inverseDeviation = ScratchBuffer(grid)
    pivot = ScratchBuffer(grid)
    sums =
      op.normalization == nil && op.quantizers.isEmpty
      ? nil : PartialSums(parts: grid.parts.count, width: 2 * grid.channels + op.quantizers.count)
    steps = op.quantizers.map { _ in 1 }
    label = Self.label(op)
  }

  private static func label(_ op: PointwiseChain) -> String {
    var parts: [String] = []
    if op.normalization != nil { parts.append("batch normalisation") }
    if op.stages.contains(.sum) { parts.append("sum") }
    if op.stages.contains(.rectifier) { parts.append("ReLU") }
    if !op.quantizers.isEmpty { parts.append("quantizer") }
    return parts.joined(separator: " + ")
  }

  /// How a data operand is read: as integers where it stands as such, as floats as they stand where their
  /// channels are in blocks, otherwise reordered.
  private static func source(
    _ position: Int, _ context: FormContext, _ grid: ChannelGrid, operand: Int
  ) throws(KernelError) -> Source {
    let input = try context.input(position)
    guard input.value.shape == grid.shape else {
      throw .operator(.unsupported(what: "a chain over operands of two shapes"))
    }
    if let form = input.integers, let view = grid.view(of: TensorLayout(form.layout)) {
      return Source(
        input: position, integers: form, layout: .rowMajor, view: view, operand: operand)
    }
    var layout = input.standsAsFloats ? input.value.layout : try grid.channelsLast()
    if grid.view(of: layout) == nil { layout = try grid.channelsLast() }
    guard let view = grid.view(of: layout) else {
      throw .operator(.unsupported(what: "channels that don't stand in blocks"))
    }
    return Source(input: position, integers: nil, layout: layout, view: view, operand: operand)
  }

  // MARK: Forward

  package func forward(_ operands: Operands) throws(KernelError) {
    for (index, source) in sources.enumerated() { prepare(index, source, operands) }
    var chain = chain { operands.input($0, as: UInt8.self) }
    if op.normalization != nil { normalize(chain, operands) }
    var next = firstOutputOperand(operands, &chain)
    for (index, quantizer) in op.quantizers.enumerated() {
      steps[index] = quantizer.step(operands.input(parameterOperands[index], as: Float.self)[0])
      defer { next += 3 }
      guard let codes = operands.outputs[next] else { continue }
      operands.output(next + 1, as: Float.self)[0] = steps[index]
      add(index, to: &chain)
      withQuantizer(index, of: &chain) { $0.codes = codes }
    }
    grid.parts.forEach(sharing: chain) { _, sample, begin, end, chain in
      withUnsafePointer(to: chain) { snug_chain_forward($0, sample, begin, end) }
    }
  }

  /// Sets where floats go; returns the operand after them.
  private func firstOutputOperand(_ operands: Operands, _ chain: inout snug_chain) -> Int {
    guard op.stages.contains(.values), let layout = outputs[0].floats else { return 0 }
    if let values = operands.outputs[0], let view = grid.view(of: layout) {
      chain.values = values.assumingMemoryBound(to: Float.self)
      chain.values_view = view
    }
    return 1
  }

  /// Scale and offset of a source before any normalisation.
  private func prepare(_ index: Int, _ source: Source, _ operands: Operands) {
    guard let form = source.integers else {
      // A normalisation has left its own factors of the run before.
      if op.normalization != nil, index == 0 {
        scales[0].pointer.update(repeating: 1, count: grid.channels)
        offsets[0].pointer.update(repeating: 0, count: grid.channels)
      }
      return
    }
    form.fill(
      scales[index].pointer, offsets[index].pointer, channels: grid.channels,
      scale: operands.input(source.operand + 1, as: Float.self),
      offset: form.offsetCount > 0 ? operands.input(source.operand + 2, as: Float.self) : nil)
  }

  /// The chain's operands; what it writes is left open.
  ///
  /// - Parameter address: of the entry of forward's operand list.
  func chain(_ address: (Int) -> UnsafePointer<UInt8>) -> snug_chain {
    var chain = snug_chain()
    chain.channels = grid.channels
    chain.operands = sources.count
    chain.rectifies = op.stages.contains(.rectifier) ? 1 : 0
    for (index, source) in sources.enumerated() {
      let operand = snug_operand(
        data: address(source.operand), type: source.integers?.element.number ?? snug_float32,
        view: source.view, scale: scales[index].pointer, offset: offsets[index].pointer)
      if index == 0 { chain.operand.0 = operand } else { chain.operand.1 = operand }
    }
    return chain
  }

  /// Adds a quantizer with its step; codes or gradient are the caller's to set.
  func add(_ index: Int, to chain: inout snug_chain) {
    let format = op.quantizers[index].format
    var quantizer = snug_quantizer()
    quantizer.step = steps[index]
    quantizer.minimum = Float(format.minimum)
    quantizer.maximum = Float(format.maximum)
    quantizer.type = format.signed ? snug_int8 : snug_uint8
    if let form = outputs[op.firstQuantizedOutput + index].integers,
      let view = grid.view(of: TensorLayout(form.layout))
    {
      quantizer.view = view
    }
    if chain.quantizers == 0 {
      chain.quantizer.0 = quantizer
    } else {
      chain.quantizer.1 = quantizer
    }
    chain.quantizers += 1
  }

  /// The quantizer that was added last.
  func withQuantizer(
    _ index: Int, of chain: inout snug_chain, _ body: (inout snug_quantizer) -> Void
  ) {
    if chain.quantizers == 1 { body(&chain.quantizer.0) } else { body(&chain.quantizer.1) }
  }

  package func makeBackward(_ context: BackwardContext) throws(KernelError) -> [Backward] {
    [try ChainGradient(self, context).backward()]
  }
}

extension IntegerForm {
  /// The codes of an activation quantizer.
  ///
  /// - Throws: ``OperatorError/unsupported(what:)`` for codes of more than 8 bits.
  init(_ format: ActivationFormat, _ shape: [Int], _ layout: TensorLayout) throws(KernelError) {
    guard format.bits <= 8 else {
      throw .operator(.unsupported(what: "training with activations of more than 8 bits"))
    }
    let element: EngineElement = format.signed ? .int8 : .uint8
    let floats = try KernelInput(type: ConcreteType(.float32, shape), layout: layout).descriptor()
    let layout = try KernelError.engine(try floats.with(element))
    self.init(layout: layout, element: element)
  }
}
