import DNNEngine
import Execution
import GraphIR
import TensorCore

/// Kernels that resize a row-major tensor one axis after another.
struct ResamplingKernels {
  let resampling: Resampling
  let axes: [Resampling.Axis]
  let extrapolation: Float

  /// What the axes' taps are applied to: `outer` blocks of rows of `inner` elements.
  private struct Stage: Sendable {
    var taps: AxisTaps
    var outer: Int
    var inner: Int
  }

  func kernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    let input = try context.input(0)
    let taps = axes.map(resampling.taps)
    if resampling.mode == .nearest { return try copy(context, input, taps) }
    let count = try context.output().count
    let stages = stages(taps, input.shape)
    let scratch = try scratch(stages, input.type.count)
    let fill = outside(taps)
    let value = extrapolation
    guard let codec = ElementCodec(input.elementType) else {
      throw .operator(.unsupported(what: "resizing of \(input.elementType.onnxName)"))
    }
    let isFloat = input.elementType == .float32
    let inputCount = input.type.count
    return ClosureKernel(context) { operands in
      var source = scratch[0].base.assumingMemoryBound(to: Float.self)
      var target = scratch[1].base.assumingMemoryBound(to: Float.self)
      if isFloat {
        source.update(from: operands.input(0, as: Float.self), count: inputCount)
      } else {
        let x = operands.input(0, as: UInt8.self)
        for i in 0..<inputCount { source[i] = codec.load(x, i).float }
      }
      for stage in stages {
        stage.taps.apply(source, to: target, outer: stage.outer, inner: stage.inner)
        swap(&source, &target)
      }
      fill?.forEach { position, inside in if inside == nil { source[position] = value } }
      if isFloat {
        operands.output(as: Float.self).update(from: source, count: count)
      } else {
        let y = operands.output(as: UInt8.self)
        for i in 0..<count { codec.store(.real(Double(source[i])), y, i) }
      }
    }
  }

  /// dX spreads dY over the positions that were summed.
  func trainingKernel(_ context: FormContext, _ label: String) throws(KernelError)
    -> any TrainingKernel
  {
    let kernel = try kernel(context.kernel)
    let input = try context.kernel.floatInput(0)
    let taps = axes.map(resampling.taps)
    let count = try context.kernel.output().count
    let stages = stages(taps, input.shape)
    let scratch = try scratch(stages, input.type.count)
    let fill = outside(taps)
    return InferredTrainingKernel(label, kernel, preferred: .rowMajor) { _ in
      Backward(
        "\(label) gradient", operands: [.gradient(0, .rowMajor)],
        results: [Backward.Result(input: 0, layout: .rowMajor)]
      ) { operands in
        var source = scratch[0].base.assumingMemoryBound(to: Float.self)
        var target = scratch[1].base.assumingMemoryBound(to: Float.self)
        source.update(from: operands.input(0, as: Float.self), count: count)
        fill?.forEach { position, inside in if inside == nil { source[position] = 0 } }
        for stage in stages.reversed() {
          stage.taps.spread(source, to: target, outer: stage.outer, inner: stage.inner)
          swap(&source, &target)
        }
        operands.output(0, as: Float.self).update(from: source, count: input.type.count)
      }
    }
  }

  /// One element each: a copy, whatever the type.
  private func copy(_ context: KernelContext, _ input: KernelInput, _ taps: [AxisTaps])
    throws(KernelError) -> any Kernel
  {
    let rows = PaddedRows(
      sources: taps.map { axis in
        (0..<axis.count).map { axis.isOutside[$0] ? -1 : axis.sources[axis.starts[$0]] }
      }, input: input.shape)
    let size = try input.elementBytes()
    var fill = [UInt8](repeating: 0, count: 8)
    ElementCodec(input.elementType)?.store(.real(Double(extrapolation)), &fill, 0)
    return ClosureKernel(context) { [fill] operands in
      let x = UnsafeRawPointer(operands.input(0, as: UInt8.self))
      let y = UnsafeMutableRawPointer(operands.output(as: UInt8.self))
      fill.withUnsafeBytes { fill in
        guard let fill = fill.baseAddress else { return }
        rows.forEach { target, source in
          (y + target * size).copyMemory(
            from: source.map { x + $0 * size } ?? fill, byteCount: size)
        }
      }
    }
  }

  private func stages(_ taps: [AxisTaps], _ input: [Int]) -> [Stage] {
    var shape = input
    var stages: [Stage] = []
    for axis in input.indices where !taps[axis].isIdentity {
      stages.append(
        Stage(
          taps: taps[axis], outer: shape[..<axis].reduce(1, *),
          inner: shape[(axis + 1)...].reduce(1, *)))
      shape[axis] = taps[axis].count
    }
    return stages
  }

  /// Two buffers, each large enough for what stands between any two axes.
  private func scratch(_ stages: [Stage], _ count: Int) throws(KernelError) -> [Arena] {
    let sizes = stages.map { $0.outer * $0.taps.count * $0.inner }
    let bytes = max(sizes.max() ?? 0, count, 1) * MemoryLayout<Float>.size
    return try KernelError.engine([try Arena(byteCount: bytes), try Arena(byteCount: bytes)])
  }

  /// The output's positions, without a source where an axis lies outside the input; `nil` where none does.
  private func outside(_ taps: [AxisTaps]) -> PaddedRows? {
    guard taps.contains(where: { $0.isOutside.contains(true) }) else { return nil }
    return PaddedRows(
      sources: taps.map { $0.isOutside.map { $0 ? -1 : 0 } }, input: taps.map(\.count))
  }
}
