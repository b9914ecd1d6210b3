import CKernels
import DNNEngine
import TensorCore

/// The backward half of a ``ChainKernel``.
///
/// Without batch statistics one pass gives everything. With them the gradient of x needs two sums first:
///
///     dx = gamma / sigma (g - mean(g) - xhat mean(g xhat))
///
/// and g, the gradient of v, is computed in both passes, which reads more and writes less than keeping it.
struct ChainGradient {
  private let kernel: ChainKernel
  private let context: BackwardContext

  init(_ kernel: ChainKernel, _ context: BackwardContext) {
    self.kernel = kernel
    self.context = context
  }

  func backward() throws(KernelError) -> Backward {
    let (kernel, op, grid) = (kernel, kernel.op, kernel.grid)
    if op.isPlainSum, let layout = context.gradients[0] { return sum(layout) }
    var operands: [Backward.Operand] = []
    /// The entry of each entry of forward's operand list that is read again.
    var places: [Int: Int] = [:]
    var next = 0
    for source in kernel.sources {
      places[source.operand] = next
      if source.integers != nil {
        operands.append(.integers(source.input))
        next += 3
      } else {
        operands.append(.input(source.input, .layout(source.layout)))
        next += 1
      }
    }
    let inputs = op.operands
    var gammaOperand: Int?
    if let scale = inputs.firstIndex(of: .scale) {
      gammaOperand = next
      operands.append(.input(scale, .rowMajor))
      next += 1
    }
    var upstream: [(output: Int, operand: Int, view: snug_view)] = []
    for (output, layout) in context.gradients.enumerated() {
      guard let layout else { continue }
      let readable = grid.view(of: layout) == nil ? try grid.channelsLast() : layout
      guard let view = grid.view(of: readable) else {
        throw .operator(.unsupported(what: "a gradient whose channels don't stand in blocks"))
      }
      operands.append(.gradient(output, readable))
      upstream.append((output, next, view))
      next += 1
    }

    var results: [Backward.Result] = []
    var dataView: snug_view?
    /// For each gradient of data in memory of its own, whether the normalisation lies before it.
    var targets: [Bool] = []
    let wanted = kernel.sources.filter { context.wanted[$0.input] }
    if let first = wanted.first {
      var layout = context.preferred[first.input] ?? first.layout
      if first.integers != nil, context.preferred[first.input] == nil {
        layout = upstream.first.flatMap { context.gradients[$0.output] } ?? layout
      }
      if grid.view(of: layout) == nil { layout = try grid.channelsLast() }
      dataView = grid.view(of: layout)
      // Both summands have the gradient of their sum, unless one of them is normalised.
      for (index, source) in wanted.enumerated() {
        let isOwn = index == 0 || op.normalization != nil
        if isOwn { targets.append(source.input == 0) }
        results.append(
          Backward.Result(input: source.input, layout: layout, memory: isOwn ? .own : .result(0)))
      }
    }
    for (position, operand) in inputs.enumerated() {
      switch operand {
      case .scale, .bias, .quantizer:
        results.append(Backward.Result(input: position, layout: .rowMajor))
      case .x, .second, .mean, .variance: break
      }
    }
    let pass = Pass(
      kernel: kernel, places: places, gamma: gammaOperand, upstream: upstream, dataView: dataView,
      targets: targets)
    return Backward(
      kernel.label, operands: operands, results: results
    ) { (operands) in pass.run(operands) }
  }

  /// The gradient of a sum is that of each summand, as it stands.
  private func sum(_ layout: TensorLayout) -> Backward {
    Backward(
      kernel.label, operands: [.gradient(0, layout)],
      results: kernel.sources.filter { context.wanted[$0.input] }.map {
        Backward.Result(input: $0.input, layout: layout, memory: .gradient(0))
      }
    ) { _ in }
  }

  /// One backward run.
  final class Pass {
    private let kernel: ChainKernel
    private let places: [Int: Int]
    private let gamma: Int?
    private let upstream: [(output: Int, operand: Int, view: snug_view)]
    private let dataView: snug_view?
    private let targets: [Bool]
    private let factor: ScratchBuffer<Float>
    private let slope: ScratchBuffer<Float>
    private let offset: ScratchBuffer<Float>
    private let ones: ScratchBuffer<Float>
    private let zeros: ScratchBuffer<Float>

    init(
      kernel: ChainKernel, places: [Int: Int], gamma: Int?,
      upstream: [(output: Int, operand: Int, view: snug_view)], dataView: snug_view?,
      targets: [Bool]
    ) {
      self.kernel = kernel
      self.places = places
      self.gamma = gamma
      self.upstream = upstream
      self.dataView = dataView
      self.targets = targets
      factor = ScratchBuffer(kernel.grid, repeating: 1)
      slope = ScratchBuffer(kernel.grid)
      offset = ScratchBuffer(kernel.grid)
      ones = ScratchBuffer(kernel.grid, repeating: 1)
      zeros = ScratchBuffer(kernel.grid)
    }

    func run(_ operands: Operands) {
      let (op, grid) = (kernel.op, kernel.grid)
      var chain = kernel.chain { operands.input(places[$0] ?? 0, as: UInt8.self) }
      for (output, operand, view) in upstream {
        let gradient = operands.input(operand, as: Float.self)
        if output < op.firstQuantizedOutput {
          chain.values_gradient = gradient
          chain.values_gradient_view = view
        } else {
          let index = output - op.firstQuantizedOutput
          kernel.add(index, to: &chain)
          kernel.withQuantizer(index, of: &chain) {
            $0.gradient = gradient
            $0.gradient_view = view
          }
        }
      }
      var next = targets.count
      if op.normalization != nil {
        reduce(chain, perChannel: true)
        if let sums = kernel.sums {
          let (dGamma, dBeta) = (
            operands.output(next, as: Float.self), operands.output(next + 1, as: Float.self)
          )
          for channel in 0..<grid.channels {
            dBeta[channel] = Float(sums.totals[channel])
            dGamma[channel] = Float(sums.totals[grid.channels + channel])
          }
          next += 2
        }
        prepareNormalization(operands)
        for (index, isNormalized) in targets.enumerated() {
          write(chain, operands, to: index, isNormalized: isNormalized, countsSteps: false)
        }
      } else if dataView != nil {
        write(chain, operands, to: 0, isNormalized: false, countsSteps: true)
      } else {
        reduce(chain, perChannel: false)
      }
      writeSteps(operands, from: next)
    }

    private func reduce(_ chain: snug_chain, perChannel: Bool) {
      guard let sums = kernel.sums else { return }
      let channels = kernel.grid.channels
      let (scale, offset) = (
        kernel.normalScale.pointer, kernel.normalOffset.pointer
      )
      kernel.grid.parts.forEach(sharing: chain, scale, offset) {
        part, sample, begin, end, chain, scale, offset in
        let row = sums.row(part)
        withUnsafePointer(to: chain) {
          snug_chain_reduce(
            $0, scale, offset, sample, begin, end, perChannel ? row : nil, row + channels,
            row + 2 * channels)
        }
      }
      sums.addUp()
    }

    /// factor, slope and offset of dx = g factor + raw slope + offset.
    private func prepareNormalization(_ operands: Operands) {
      guard let gamma, let sums = kernel.sums else { return }
      let values = operands.input(gamma, as: Float.self)
      let grid = kernel.grid
      let count = Double(grid.samples * grid.positions)
      let (scale, shift) = (kernel.normalScale.pointer, kernel.normalOffset.pointer)
      for channel in 0..<grid.channels {
        let k = Double(values[channel]) * Double(kernel.inverseDeviation.pointer[channel])
        factor.pointer[channel] = Float(k)
        guard kernel.usesBatchStatistics else { continue }
        let mean = sums.totals[channel] / count
        let correlation = sums.totals[grid.channels + channel] / count
        slope.pointer[channel] = Float(-k * correlation * Double(scale[channel]))
        offset.pointer[channel] = Float(-k * (mean + correlation * Double(shift[channel])))
      }
    }

    private func write(
      _ chain: snug_chain, _ operands: Operands, to output: Int, isNormalized: Bool,
      countsSteps: Bool
    ) {
      guard let dataView else { return }
      let (sums, channels) = (kernel.sums, kernel.grid.channels)
      let target = operands.output(output, as: Float.self)
      let factor = (isNormalized ? self.factor : ones).pointer
      let slope = (isNormalized ? self.slope : zeros).pointer
      let offset = (isNormalized ? self.offset : zeros).pointer
      kernel.grid.parts.forEach(sharing: target, factor, slope, offset, chain) {
        part, sample, begin, end, target, factor, slope, offset, chain in
        let steps = countsSteps ? sums.map { $0.row(part) + 2 * channels } : nil
        withUnsafePointer(to: chain) {
          snug_chain_gradient(
            $0, factor, slope, offset, sample, begin, end, target, dataView, steps)
        }
      }
      if countsSteps { sums?.addUp() }
    }

    /// dL/dp = ln2 s dL/ds, of those quantizers that a gradient reaches; 0 for others.
    private func writeSteps(_ operands: Operands, from first: Int) {
      guard let sums = kernel.sums else { return }
      let op = kernel.op
      var reached = 0
      for index in op.quantizers.indices {
        let output = op.firstQuantizedOutput + index
        let target = operands.output(first + index, as: Float.self)
        guard upstream.contains(where: { $0.output == output }) else {
          target[0] = 0
          continue
        }
        let sum = sums.totals[2 * kernel.grid.channels + reached]
        target[0] = Float(sum * Double(ln2) * Double(kernel.steps[index]))
        reached += 1
      }
    }
  }
}

private let ln2: Float = 0.693_147_180_559_945_3
