import DNNEngine
import Execution
import GraphIR
import TensorCore

/// When products of 8-bit integers may be summed in single precision, which has instructions everywhere.
///
/// Integers of up to 2^24 are floats. Where the magnitudes of a sum's terms add up to no more than that, every partial sum is
/// one of them, and the result is exact in whatever order the terms are added.
enum SinglePrecisionSums {
  /// The largest magnitude of an 8-bit integer less its zero point.
  private static let largest = 255

  /// Whether sums of products are exact.
  ///
  /// - Parameter norm: the largest sum of the weights' magnitudes that enters one sum.
  static func areExact(norm: Int) -> Bool { norm <= (1 << 24) / largest }

  /// The largest sum of magnitudes over rows of contiguous elements.
  static func largestNorm(_ rows: UnsafePointer<Int16>, count: Int, length: Int) -> Int {
    (0..<count).reduce(0) { largest, row in
      var norm = 0
      for i in row * length..<(row + 1) * length { norm += Int(rows[i].magnitude) }
      return max(largest, norm)
    }
  }

  static func convert(
    _ integers: UnsafePointer<Int16>, to floats: UnsafeMutablePointer<Float>, count: Int
  ) {
    Parallelism.forEachRange(
      count: count, grain: MemoryDescriptor.AxisNest.grain, sharing: integers, floats
    ) { range, integers, floats in
      for i in range { floats[i] = Float(integers[i]) }
    }
  }
}

/// A convolution of integers by oneDNN's of floats where that is exact, else by plain loops.
///
/// Not safe to run from two threads at once.
final class SinglePrecisionConvolution: IntegerSums {
  /// A value as floats in row-major order, and in the layout that the convolution takes.
  private struct Operand {
    let floats: Arena
    let packed: Arena
    let packing: Primitive

    init(_ engine: Engine, from view: MemoryDescriptor, to layout: MemoryDescriptor)
      throws(EngineError)
    {
      floats = try Arena(byteCount: view.byteCount)
      packed = try Arena(byteCount: layout.byteCount)
      packing = try Primitive(
        try .reorder(engine, from: view, to: layout), [(.source, view), (.destination, layout)])
    }

    func write(_ integers: UnsafePointer<Int16>, count: Int) throws(EngineError) {
      SinglePrecisionSums.convert(
        integers, to: floats.base.assumingMemoryBound(to: Float.self), count: count)
      try packing.point(0, at: floats.base)
      try packing.point(1, at: packed.base)
      try packing.run()
    }
  }

  private let loops: IntegerConvolutionLoops
  private let input: Operand
  private let weight: Operand
  private let result: Arena
  private let convolution: Primitive
  /// From floats in the convolution's layout to integers in row-major order.
  private let unpacking: Primitive

  /// `nil` where oneDNN has no such convolution.
  init?(
    _ loops: IntegerConvolutionLoops, _ layer: ConvolutionLayer, _ engine: Engine, input: [Int],
    output: [Int]
  ) {
    guard input.count > 2, loops.inputCount > 0, loops.weightCount > 0,
      output.allSatisfy({ $0 > 0 })
    else { return nil }
    self.loops = loops
    do throws(EngineError) {
      let descriptor = try PrimitiveDescriptor.convolution(
        engine, source: try .any(input), weights: try .any(layer.weight.shape), bias: nil,
        destination: try .any(output), layer.geometry)
      let source = try descriptor.layout(of: .source)
      let weights = try descriptor.layout(of: .weights)
      let destination = try descriptor.layout(of: .destination)
      convolution = try Primitive(
        descriptor, [(.source, source), (.weights, weights), (.destination, destination)])
      let file = try MemoryDescriptor(shape: layer.weight.shape, strides: layer.weight.strides)
      weight = try Operand(engine, from: file, to: weights)
      self.input = try Operand(engine, from: try MemoryDescriptor(rowMajor: input), to: source)
      result = try Arena(byteCount: destination.byteCount)
      let sums = try MemoryDescriptor(rowMajor: output, .int32)
      unpacking = try Primitive(
        try .reorder(engine, from: destination, to: sums),
        [(.source, destination), (.destination, sums)])
    } catch {
      return nil
    }
  }

  func run(
    _ left: UnsafePointer<Int16>, _ right: UnsafePointer<Int16>,
    to sums: UnsafeMutablePointer<Int32>
  ) {
    let norm = SinglePrecisionSums.largestNorm(
      right, count: loops.channels, length: loops.weightCount / loops.channels)
    guard SinglePrecisionSums.areExact(norm: norm), (try? convolve(left, right, to: sums)) != nil
    else { return loops.run(left, right, to: sums) }
  }

  private func convolve(
    _ left: UnsafePointer<Int16>, _ right: UnsafePointer<Int16>,
    to sums: UnsafeMutablePointer<Int32>
  ) throws(EngineError) {
    try input.write(left, count: loops.inputCount)
    try weight.write(right, count: loops.weightCount)
    try convolution.point(0, at: input.packed.base)
    try convolution.point(1, at: weight.packed.base)
    try convolution.point(2, at: result.base)
    try convolution.run()
    try unpacking.point(0, at: result.base)
    try unpacking.point(1, at: sums)
    try unpacking.run()
  }
}

/// A matrix product of integers by oneDNN's of floats where that is exact, else by plain loops.
///
/// Not safe to run from two threads at once.
final class SinglePrecisionProduct: IntegerSums {
  private let loops: IntegerMatrixLoops
  private let product: MatrixProduct
  /// The operands and the result as floats.
  private let memory: [Arena]

  /// `nil` where oneDNN has no such product.
  init?(_ loops: IntegerMatrixLoops, _ engine: Engine) {
    guard loops.aCount > 0, loops.bCount > 0 else { return nil }
    self.loops = loops
    do throws(EngineError) {
      product = try MatrixProduct(
        engine, .init(rowMajor: loops.a), .init(rowMajor: loops.b), output: loops.output)
      memory = [
        try Arena(byteCount: 4 * loops.aCount), try Arena(byteCount: 4 * loops.bCount),
        try Arena(byteCount: 4 * loops.count),
      ]
    } catch {
      return nil
    }
  }

  func run(
    _ left: UnsafePointer<Int16>, _ right: UnsafePointer<Int16>,
    to sums: UnsafeMutablePointer<Int32>
  ) {
    guard SinglePrecisionSums.areExact(norm: largestNorm(right)) else {
      loops.run(left, right, to: sums)
      return
    }
    let (a, b) = (
      memory[0].base.assumingMemoryBound(to: Float.self),
      memory[1].base.assumingMemoryBound(to: Float.self)
    )
    SinglePrecisionSums.convert(left, to: a, count: loops.aCount)
    SinglePrecisionSums.convert(right, to: b, count: loops.bCount)
    guard (try? product.run(left: a, right: b, into: memory[2].base)) != nil else {
      loops.run(left, right, to: sums)
      return
    }
    let results = memory[2].base.assumingMemoryBound(to: Float.self)
    for i in 0..<loops.count { sums[i] = Int32(results[i]) }
  }

  /// The largest sum of magnitudes of a column.
  private func largestNorm(_ right: UnsafePointer<Int16>) -> Int {
    let (rows, columns) = (loops.inner, loops.columns)
    var largest = 0
    var norms = [Int](repeating: 0, count: columns)
    for matrix in 0..<loops.bCount / max(rows * columns, 1) {
      for column in 0..<columns { norms[column] = 0 }
      for row in 0..<rows {
        let values = right + (matrix * rows + row) * columns
        for column in 0..<columns { norms[column] += Int(values[column].magnitude) }
      }
      largest = max(largest, norms.max() ?? 0)
    }
    return largest
  }
}
