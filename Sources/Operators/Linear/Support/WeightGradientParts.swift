import CKernels
import DNNEngine
import TensorCore

/// The gradient of a convolution's weight, and of its bias, summed over parts of the batch that depend on shapes alone.
///
/// Left to itself oneDNN cuts the batch by the number of its threads, and the order of the sums follows from the cut.
/// Here each part is computed on one thread, parts in parallel, and their gradients are added in order.
final class WeightGradientParts {
  /// The layout of the weight's gradient.
  let weight: MemoryDescriptor
  /// One gradient of the weight a part, and one of the bias where there is one.
  let scratchByteCounts: [Int]
  private let parts: BatchParts
  private let weightCount: Int
  private let biasCount: Int

  /// Parts of a batch at most.
  private static let partLimit = 16
  /// Products of each weight that a part has at least, beside which adding its gradient costs little.
  private static let leastPositions = 512

  /// - Parameters:
  ///   - whole: the primitive for the whole batch, whose layouts of the operands hold.
  ///   - algorithms: of which the first that oneDNN takes is used.
  init(
    _ maker: ConvolutionGradients.Maker, whole: PrimitiveDescriptor,
    _ algorithms: [ConvolutionAlgorithm], hasBias: Bool
  ) throws(EngineError) {
    let x = try whole.layout(of: .source)
    let dy = try whole.layout(of: .destinationGradient)
    weight = try whole.layout(of: .weightGradient)
    let channels = maker.layer.channels
    var operands: [BatchParts.Operand] = [
      (.source, x, .samples), (.destinationGradient, dy, .samples),
      (.weightGradient, weight, .part),
    ]
    if hasBias {
      operands.append((.biasGradient, try MemoryDescriptor(rowMajor: [channels]), .part))
    }
    let products = x.shape[0] * dy.shape.dropFirst(2).reduce(1, *)
    parts = try BatchParts(
      samples: x.shape[0], count: min(Self.partLimit, products / Self.leastPositions), operands
    ) { (layouts) throws(EngineError) in
      let part = try maker.with(source: layouts[0], weight: layouts[2], destination: layouts[1])
      return try part.first(of: algorithms) { (algorithm) throws(EngineError) in
        try part.weight(algorithm, destination: nil, hasBias: hasBias)
      }
    }
    weightCount = weight.byteCount / MemoryLayout<Float>.size
    biasCount = hasBias ? channels : 0
    scratchByteCounts =
      [parts.count * weight.byteCount]
      + (hasBias ? [parts.count * channels * MemoryLayout<Float>.size] : [])
  }

  /// - Parameters:
  ///   - scratch: the memory of ``scratchByteCounts``.
  ///   - weight: where the gradient goes, in the layout ``weight``.
  ///   - bias: where that of the bias goes, if anywhere.
  func run(
    source: UnsafeMutableRawPointer?, gradient: UnsafeMutableRawPointer?,
    scratch: UnsafePointer<UnsafeMutableRawPointer?>, weight: UnsafeMutableRawPointer?,
    bias: UnsafeMutableRawPointer?
  ) throws(EngineError) {
    let biases = biasCount > 0 ? scratch[1] : nil
    try parts.run([source, gradient, scratch[0]] + (biasCount > 0 ? [biases] : []))
    Self.add(scratch[0], count: weightCount, parts: parts.count, to: weight)
    Self.add(biases, count: biasCount, parts: parts.count, to: bias)
  }

  /// Adds the gradients of the parts in their order.
  private static func add(
    _ gradients: UnsafeMutableRawPointer?, count: Int, parts: Int,
    to target: UnsafeMutableRawPointer?
  ) {
    guard count > 0, let gradients, let target else { return }
    let source = gradients.assumingMemoryBound(to: Float.self)
    let total = target.assumingMemoryBound(to: Float.self)
    Parallelism.forEachRange(
      count: count, grain: MemoryDescriptor.AxisNest.grain, sharing: source, total
    ) { range, source, total in
      let start = total + range.lowerBound
      start.update(from: source + range.lowerBound, count: range.count)
      for part in 1..<max(parts, 1) {
        snug_binary_row(
          snug_add, start, 1, source + part * count + range.lowerBound, 1, start, range.count)
      }
    }
  }
}
