import CKernels
import DNNEngine
import Execution
import GraphIR
import TensorCore

/// Kernels of the element-wise functions of two tensors.
///
/// 1. Operands of one shape: oneDNN over memory as it stands, in any layout.
/// 2. One operand along a single axis, or a scalar: a loop over the other one's layout.
/// 3. Any other broadcasting: row by row in row-major order.
enum BinaryKernels {
  static func make(
    _ function: BinaryFunction, _ a: KernelInput, _ b: KernelInput, _ context: KernelContext
  ) throws(KernelError) -> any Kernel {
    let output = try context.output()
    if a.shape == b.shape { return try sameShape(function, a, b, context) }
    if a.shape == output.shape, let kernel = try alongAxis(function, a, b, isReversed: false) {
      return kernel
    }
    if b.shape == output.shape, let kernel = try alongAxis(function, b, a, isReversed: true) {
      return kernel
    }
    let rows = BroadcastRows(a.shape, b.shape, output: output.shape)
    let operation = function.kernel
    return ClosureKernel(context) { (operands) in
      let x = operands.input(0, as: Float.self)
      let z = operands.input(1, as: Float.self)
      let y = operands.output(as: Float.self)
      Parallelism.forEachRange(
        count: rows.count, grain: max(1, MemoryDescriptor.AxisNest.grain / rows.length), sharing: x,
        z, y
      ) { range, x, z, y in
        rows.forEach(range) { row, a, b in
          snug_binary_row(
            operation, x + a, rows.stepA, z + b, rows.stepB, y + row * rows.length, rows.length)
        }
      }
    }
  }

  private static func sameShape(
    _ function: BinaryFunction, _ a: KernelInput, _ b: KernelInput, _ context: KernelContext
  ) throws(KernelError) -> any Kernel {
    // Of two layouts the blocked one is kept: what follows is likely to want it too.
    let preferred = a.layout == .rowMajor ? b : a
    var layout = preferred.layout
    var count = a.type.count
    if case .engine(let descriptor) = layout {
      if let dense = descriptor.denseCount, function != .divide || !descriptor.hasPadding {
        count = dense
      } else {
        layout = .rowMajor
      }
    }
    if context.epilogue.reluSlope == 0 { return rectified(function, layout, count: count) }
    let post = context.epilogue.reluSlope.map { [PostOperation.relu(slope: $0)] } ?? []
    let (primitive, flat) = try KernelError.engine { () throws(EngineError) in
      let flat = try MemoryDescriptor(rowMajor: [count])
      return (try PrimitiveDescriptor.binary(context.engine, function, flat, post: post), flat)
    }
    return try PrimitiveKernel(
      primitive,
      [
        (.source, flat, .input(0)), (.secondSource, flat, .input(1)),
        (.destination, flat, .output(0)),
      ],
      inputs: [.layout(layout), .layout(layout)], outputs: [layout], overwritableInput: 0)
  }

  /// The function of `count` pairs, then a rectifier on what is still in the cache.
  private static func rectified(
    _ function: BinaryFunction, _ layout: TensorLayout, count: Int
  ) -> any Kernel {
    let operation = function.kernel
    return ClosureKernel(
      inputs: [.layout(layout), .layout(layout)], outputs: [layout], overwritableInput: 0
    ) { operands in
      nonisolated(unsafe) let (x, z) = (
        operands.input(0, as: Float.self), operands.input(1, as: Float.self)
      )
      nonisolated(unsafe) let y = operands.output(as: Float.self)
      Parallelism.forEachRange(count: count, grain: MemoryDescriptor.AxisNest.grain) { range in
        for start in stride(from: range.lowerBound, to: range.upperBound, by: elementGrain) {
          let part = min(elementGrain, range.upperBound - start)
          snug_binary_row(operation, x + start, 1, z + start, 1, y + start, part)
          snug_rectify(y + start, y + start, part)
        }
      }
    }
  }

  /// `nil` unless the second operand varies along at most one axis of the first.
  private static func alongAxis(
    _ function: BinaryFunction, _ data: KernelInput, _ parameter: KernelInput, isReversed: Bool
  ) throws(KernelError) -> (any Kernel)? {
    guard let axis = parameter.singleAxis(of: data.shape) else { return nil }
    var (nest, layout) = try data.nest(around: axis)
    if nest.hasPadding, isReversed, function == .divide {
      // The padding would become 0/0.
      (nest, layout) = (KernelInput.rowMajorNest(data.shape, axis), .rowMajor)
    }
    let isScalar = parameter.type.count == 1
    let buffer = ScratchBuffer(nest, neutral: function.neutral)
    let operation = function.kernel
    let (first, second) = isReversed ? (1, 0) : (0, 1)
    var requests = [InputRequest.rowMajor, .rowMajor]
    requests[first] = .layout(layout)
    return ClosureKernel(inputs: requests, outputs: [layout], overwritableInput: first) {
      [nest] operands in
      let x = operands.input(first, as: Float.self)
      let y = operands.output(as: Float.self)
      buffer.fill(from: operands.input(second), entries: nest.count, isScalar: isScalar)
      let p = buffer.pointer
      nest.forEachPart(sharing: x, y, p) { parts, x, y, p in
        for (offset, count, entry) in parts {
          if nest.block > 1 {
            snug_binary_rows(
              operation, isReversed ? 1 : 0, x + offset, p + entry, y + offset, count, nest.block)
          } else if isReversed {
            snug_binary_row(operation, p + entry, 0, x + offset, 1, y + offset, count)
          } else {
            snug_binary_row(operation, x + offset, 1, p + entry, 0, y + offset, count)
          }
        }
      }
    }
  }

  /// The kernel for the other element types, in row-major order.
  static func make<T: Number>(
    _ function: BinaryFunction, _ type: T.Type, _ context: KernelContext
  ) throws(KernelError) -> any Kernel {
    let rows = BroadcastRows(
      try context.input(0).shape, try context.input(1).shape, output: try context.output().shape)
    return ClosureKernel(context) { (operands) throws(KernelError) in
      let (x, z) = (operands.input(0, as: T.self), operands.input(1, as: T.self))
      let y = operands.output(as: T.self)
      var isDefined = true
      rows.forEach(0..<rows.count) { row, a, b in
        for i in 0..<rows.length {
          let result = T.apply(function, x[a + i * rows.stepA], z[b + i * rows.stepB])
          if let result { y[row * rows.length + i] = result } else { isDefined = false }
        }
      }
      if !isDefined {
        throw .operator(.outOfRange(what: "divisor", value: 0, allowed: "other than 0"))
      }
    }
  }
}

extension BinaryFunction {
  var kernel: snug_binary {
    switch self {
    case .add: snug_add
    case .subtract: snug_subtract
    case .multiply: snug_multiply
    case .divide: snug_divide
    }
  }

  /// The second operand that keeps a zero in the padding a number.
  var neutral: Float { self == .divide ? 1 : 0 }
}

extension KernelInput {
  /// The axis of `shape` along which this parameter varies; axis 1, or the last, for a single element.
  func singleAxis(of shape: [Int]) -> Int? {
    guard !shape.isEmpty, self.shape.count <= shape.count else { return nil }
    let missing = shape.count - self.shape.count
    let varying = self.shape.indices.filter { self.shape[$0] != 1 }
    switch varying.count {
    case 0: return min(1, shape.count - 1)
    case 1:
      return self.shape[varying[0]] == shape[varying[0] + missing] ? varying[0] + missing : nil
    default: return nil
    }
  }
}
