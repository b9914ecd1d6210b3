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
  private let parts: [Part]
  private let weightCount: Int
  private let biasCount: Int

  private struct Part {
    var primitive: Primitive
    /// Bytes before its samples.
    var source: Int
    var gradient: Int
  }

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
    let samples = x.shape[0]
    let positions = dy.shape.dropFirst(2).reduce(1, *)
    var count = min(Self.partLimit, samples, max(1, samples * positions / Self.leastPositions))
    if x.batchByteStride == nil || dy.batchByteStride == nil { count = 1 }
    let channels = maker.layer.channels
    (weight, parts) = try Engine.onOneThread { () throws(EngineError) in
      var weight: MemoryDescriptor?
      var descriptors: [Int: PrimitiveDescriptor] = [:]
      var parts: [Part] = []
      for part in 0..<count {
        let range = samples * part / count..<samples * (part + 1) / count
        let source = range.count == samples ? x : try x.batch(of: range.count)
        let gradient = range.count == samples ? dy : try dy.batch(of: range.count)
        let descriptor: PrimitiveDescriptor
        if let found = descriptors[range.count] {
          descriptor = found
        } else {
          descriptor = try maker.weight(
            algorithms, source: source, gradient: gradient, weight, hasBias: hasBias)
          descriptors[range.count] = descriptor
        }
        let dw = try descriptor.layout(of: .weightGradient)
        weight = dw
        var arguments: [(Argument, MemoryDescriptor)] = [
          (.source, source), (.destinationGradient, gradient), (.weightGradient, dw),
        ]
        if hasBias {
          arguments.append((.biasGradient, try MemoryDescriptor(rowMajor: [channels])))
        }
        parts.append(
          Part(
            primitive: try Primitive(descriptor, arguments),
            source: range.lowerBound * (x.batchByteStride ?? 0),
            gradient: range.lowerBound * (dy.batchByteStride ?? 0)))
      }
      if let weight { return (weight, parts) }
      return (try whole.layout(of: .weightGradient), parts)
    }
    let width = MemoryLayout<Float>.size
    weightCount = weight.byteCount / width
    biasCount = hasBias ? channels : 0
    scratchByteCounts =
      [count * weight.byteCount] + (hasBias ? [count * channels * width] : [])
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
    let width = MemoryLayout<Float>.size
    nonisolated(unsafe) let (source, gradient) = (source, gradient)
    nonisolated(unsafe) let (weights, biases) = (scratch[0], biasCount > 0 ? scratch[1] : nil)
    nonisolated(unsafe) let parts = parts
    let (weightCount, biasCount) = (weightCount, biasCount)
    try Engine.forEachOnOneThread(count: parts.count) { (index) throws(EngineError) in
      let part = parts[index]
      try part.primitive.point(0, at: source.map { $0 + part.source })
      try part.primitive.point(1, at: gradient.map { $0 + part.gradient })
      try part.primitive.point(2, at: weights.map { $0 + index * weightCount * width })
      if let biases { try part.primitive.point(3, at: biases + index * biasCount * width) }
      try part.primitive.run()
    }
    Self.add(weights, count: weightCount, parts: parts.count, to: weight)
    Self.add(biases, count: biasCount, parts: parts.count, to: bias)
  }

  /// Adds the gradients of the parts in their order.
  private static func add(
    _ gradients: UnsafeMutableRawPointer?, count: Int, parts: Int,
    to target: UnsafeMutableRawPointer?
  ) {
    guard count > 0, let gradients, let target else { return }
    nonisolated(unsafe) let source = gradients.assumingMemoryBound(to: Float.self)
    nonisolated(unsafe) let total = target.assumingMemoryBound(to: Float.self)
    Parallelism.forEachRange(count: count, grain: MemoryDescriptor.AxisNest.grain) { range in
      let start = total + range.lowerBound
      start.update(from: source + range.lowerBound, count: range.count)
      for part in 1..<max(parts, 1) {
        snug_binary_row(
          snug_add, start, 1, source + part * count + range.lowerBound, 1, start, range.count)
      }
    }
  }
}

extension ConvolutionGradients.Maker {
  /// The primitive for some samples, by the first algorithm that oneDNN takes.
  ///
  /// - Parameter weight: the layout of the weight's gradient, left to oneDNN where `nil`.
  fileprivate func weight(
    _ algorithms: [ConvolutionAlgorithm], source: MemoryDescriptor, gradient: MemoryDescriptor,
    _ weight: MemoryDescriptor?, hasBias: Bool
  ) throws(EngineError) -> PrimitiveDescriptor {
    var part = self
    part.operands.source = try .any(source.shape)
    part.operands.destination = try .any(gradient.shape)
    part.operands.bias = nil
    do { part.forward = try layer.forward(engine, part.operands) } catch {
      guard case .engine(let error) = error else {
        throw .call(function: "dnnl_convolution_forward_primitive_desc_create", status: .other)
      }
      throw error
    }
    part.operands.source = source
    part.operands.destination = gradient
    if let weight { part.operands.weight = weight }
    for algorithm in algorithms.dropLast() {
      if let found = try? part.weight(algorithm, destination: nil, hasBias: hasBias) {
        return found
      }
    }
    return try part.weight(algorithms.last ?? .direct, destination: nil, hasBias: hasBias)
  }
}
