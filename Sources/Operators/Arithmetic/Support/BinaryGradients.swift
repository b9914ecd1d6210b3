import CKernels
import DNNEngine
import Execution
import TensorCore

/// The backward halves of the element-wise functions of two tensors, with the cases of ``BinaryKernels``.
///
///     A + B: dA = dY, dB = dY            A - B: dA = dY, dB = -dY
///     A * B: dA = dY B, dB = dY A        A / B: dA = dY / B, dB = -dY A / B^2
///
/// each summed over the axes along which its operand was repeated.
struct BinaryGradients {
  private let function: BinaryFunction
  private let context: FormContext
  private let forward: any Kernel
  private let a: KernelInput
  private let b: KernelInput
  private let output: ConcreteType

  init(_ function: BinaryFunction, _ context: FormContext) throws(KernelError) {
    self.function = function
    self.context = context
    a = try context.kernel.floatInput(0)
    b = try context.kernel.floatInput(1)
    output = try context.kernel.output()
    forward = try BinaryKernels.make(function, a, b, context.kernel)
  }

  func kernel() throws(KernelError) -> any TrainingKernel {
    let layout = forward.outputs[0]
    let backward: Backward
    if a.shape == b.shape {
      backward = try sameShape(layout)
    } else if a.shape == output.shape, let axis = b.singleAxis(of: a.shape) {
      backward = try alongAxis(axis, layout, data: 0)
    } else if b.shape == output.shape, let axis = a.singleAxis(of: b.shape) {
      backward = try alongAxis(axis, layout, data: 1)
    } else {
      backward = broadcast()
    }
    return InferredTrainingKernel("element-wise", forward, preferred: layout) { _ in backward }
  }

  /// Whether the gradients depend on the operands.
  private var readsOperands: Bool { function == .multiply || function == .divide }

  /// The inputs that backward reads, followed by the gradient in the output's layout; where it reads none
  /// the gradient stands for them too.
  private func operands(_ first: InputRequest, _ second: InputRequest, _ layout: TensorLayout)
    -> (list: [Backward.Operand], gradient: Int)
  {
    guard readsOperands else { return ([.gradient(0, layout)], 0) }
    return ([.input(0, first), .input(1, second), .gradient(0, layout)], 2)
  }

  private func sameShape(_ layout: TensorLayout) throws(KernelError) -> Backward {
    var count = output.count
    if case .engine(let descriptor) = layout { count = descriptor.denseCount ?? count }
    let (list, gradient) = operands(.layout(layout), .layout(layout), layout)
    let results = [0, 1].filter(context.wantsGradient).map {
      Backward.Result(input: $0, layout: layout)
    }
    let (operation, isRead) = (function.kernel, readsOperands)
    let (first, second) = (context.wantsGradient(0), context.wantsGradient(1))
    return Backward("element-wise gradient", operands: list, results: results) { [count] operands in
      let g = operands.input(gradient, as: Float.self)
      let x = isRead ? operands.input(0, as: Float.self) : g
      let z = isRead ? operands.input(1, as: Float.self) : g
      let dx = first ? operands.output(0, as: Float.self) : nil
      let dz = second ? operands.output(first ? 1 : 0, as: Float.self) : nil
      Parallelism.forEachRange(
        count: count, grain: MemoryDescriptor.AxisNest.grain, sharing: g, x, z, dx, dz
      ) { range, g, x, z, dx, dz in
        let start = range.lowerBound
        snug_binary_gradient(
          operation, x + start, z + start, g + start, dx.map { $0 + start },
          dz.map { $0 + start }, range.count)
      }
    }
  }

  /// - Parameter data: the operand of the output's shape; the other one varies along `axis` at most.
  private func alongAxis(_ axis: Int, _ layout: TensorLayout, data: Int) throws(KernelError)
    -> Backward
  {
    let (nest, found) = try KernelInput(type: output, layout: layout).nest(around: axis)
    guard found == layout else {
      throw .operator(.unsupported(what: "a gradient in such a layout"))
    }
    let isReversed = data == 1
    let parameter = 1 - data
    let isScalar = (isReversed ? a : b).type.count == 1
    let (list, gradient) =
      isReversed
      ? operands(.rowMajor, .layout(layout), layout) : operands(.layout(layout), .rowMajor, layout)
    // dY itself is the gradient of a summand.
    let isPassed = function == .add || function == .subtract && !isReversed
    let writesData = context.wantsGradient(data) && !isPassed
    var results: [Backward.Result] = []
    if context.wantsGradient(data) {
      results.append(
        Backward.Result(input: data, layout: layout, memory: isPassed ? .gradient(0) : .own))
    }
    if context.wantsGradient(parameter) {
      results.append(Backward.Result(input: parameter, layout: .rowMajor))
    }
    let writesParameter = context.wantsGradient(parameter)
    let buffer = ScratchBuffer(nest, neutral: function.neutral)
    let sums = NestSums(nest)
    let (operation, isRead) = (function.kernel, readsOperands)
    return Backward("element-wise gradient", operands: list, results: results) { operands in
      let g = operands.input(gradient, as: Float.self)
      let x = isRead ? operands.input(data, as: Float.self) : g
      let dx = writesData ? operands.output(0, as: Float.self) : nil
      if isRead {
        buffer.fill(
          from: operands.input(parameter, as: Float.self), entries: nest.count, isScalar: isScalar)
      }
      let p = buffer.pointer
      let reversed: Int32 = isReversed ? 1 : 0
      sums.run(sharing: g, x, dx, p) { parts, g, x, dx, p in
        for (offset, count, entry, sums) in parts {
          let target = dx.map { $0 + offset }
          if nest.block > 1 {
            snug_binary_gradient_rows(
              operation, reversed, x + offset, p + entry, g + offset, target, sums, count,
              nest.block)
          } else {
            sums[0] = snug_binary_gradient_row(
              operation, reversed, x + offset, p[entry], g + offset, target, count)
          }
        }
      }
      guard writesParameter else { return }
      let dp = operands.output(writesData ? 1 : 0, as: Float.self)
      if isScalar {
        dp[0] = Float((0..<nest.count).reduce(0) { $0 + sums.totals[$1] })
      } else {
        for entry in 0..<nest.count { dp[entry] = Float(sums.totals[entry]) }
      }
    }
  }

  /// Row by row in row-major order.
  private func broadcast() -> Backward {
    let rows = BroadcastRows(a.shape, b.shape, output: output.shape)
    let wanted = [0, 1].filter(context.wantsGradient)
    let counts = wanted.map { $0 == 0 ? a.type.count : b.type.count }
    let operation = function.kernel
    let (first, second) = (context.wantsGradient(0), context.wantsGradient(1))
    return Backward(
      "element-wise gradient",
      operands: [.input(0, .rowMajor), .input(1, .rowMajor), .gradient(0, .rowMajor)],
      results: wanted.map { Backward.Result(input: $0, layout: .rowMajor) },
      scratchByteCounts: counts.map { max($0, 1) * MemoryLayout<Double>.size }
    ) { operands in
      let (x, z) = (operands.input(0, as: Float.self), operands.input(1, as: Float.self))
      let g = operands.input(2, as: Float.self)
      for (index, count) in counts.enumerated() {
        operands.output(counts.count + index, as: Double.self).update(repeating: 0, count: count)
      }
      let dx = first ? operands.output(counts.count, as: Double.self) : nil
      let dz = second ? operands.output(2 * counts.count - 1, as: Double.self) : nil
      rows.forEach(0..<rows.count) { row, a, b in
        snug_binary_gradient_sums(
          operation, x + a, rows.stepA, z + b, rows.stepB, g + row * rows.length,
          dx.map { $0 + a }, dz.map { $0 + b }, rows.length)
      }
      for (index, count) in counts.enumerated() {
        let sums = operands.output(counts.count + index, as: Double.self)
        let target = operands.output(index, as: Float.self)
        for i in 0..<count { target[i] = Float(sums[i]) }
      }
    }
  }
}
