import DNNEngine
import Execution
import GraphIR
import TensorCore

/// Products with weights of 8-bit codes, a column for each element of a gate, of operands that are quantized by their own
/// range each time, as DynamicQuantizeLinear does: all inputs at once, and the states of all samples at each step, as
/// onnxruntime does with one thread (with more, each quantizes the states of its own samples).
///
/// Codes less their zero points are multiplied as floats, which hold the sums of up to about 500 products exactly, and
/// longer ones within their rounding.
final class DynamicProducts: RecurrentProducts {
  private let shape: RecurrentShape
  private let weights: [Weight]
  private let products: [MatrixProduct]
  private let scratch: Arena
  private let codec: IntegerCodec
  private var x: UnsafePointer<Float>?
  /// The scales of the direction, one for each weight and column.
  private var scales: [[Float]] = [[], []]

  /// W or R.
  private struct Weight {
    /// The positions of its codes, scales and zero points among the inputs.
    var code: Int
    var scale: Int
    var zero: Int
    /// The rows of a direction.
    var rows: Int
    var codec: IntegerCodec
    /// Whether each column has a scale and a zero point of its own.
    var isByColumn: Bool
    var hasZero: Bool
    /// The codes less their zero points, as floats.
    var memory: UnsafeMutablePointer<Float>
  }

  /// - Throws: ``KernelError`` where scales or zero points don't fit their weight, and where memory doesn't suffice.
  init(_ context: KernelContext, _ shape: RecurrentShape) throws(KernelError) {
    let columns = shape.gates * shape.hidden
    let rows = shape.steps * shape.batch
    let left = max(rows * shape.input, shape.batch * shape.hidden)
    let counts = [left, shape.input * columns, shape.hidden * columns]
    let scratch = try KernelError.engine(
      try Arena(byteCount: counts.reduce(0, +) * MemoryLayout<Float>.size))
    let base = scratch.base.bindMemory(to: Float.self, capacity: counts.reduce(0, +))
    var weights: [Weight] = []
    for (index, start) in [left, left + counts[1]].enumerated() {
      let (code, scale, zero) = (1 + index, 8 + 2 * index, 9 + 2 * index)
      let scales = try context.floatInput(scale).shape
      let zeros = context.optional(zero)
      let (byDirection, byColumn) = ([shape.directions], [shape.directions, columns])
      for (input, given) in [(scale, scales), (zero, zeros?.shape ?? scales)]
      where given != scales || given != byDirection && given != byColumn {
        throw .operator(
          .mismatch(
            what: "shape of input \(input)", expected: "\(byDirection) or \(byColumn)",
            actual: "\(given)"))
      }
      let type = try context.input(code).elementType
      guard let codec = IntegerCodec(type), zeros == nil || zeros?.elementType == type else {
        throw .operator(
          .elementType(input: zero, actual: zeros?.elementType ?? type, allowed: [type]))
      }
      weights.append(
        Weight(
          code: code, scale: scale, zero: zero, rows: index == 0 ? shape.input : shape.hidden,
          codec: codec, isByColumn: scales.count == 2, hasZero: zeros != nil, memory: base + start))
    }
    guard let codec = IntegerCodec(.uint8) else { preconditionFailure("uint8 has a codec") }
    self.codec = codec
    self.shape = shape
    self.scratch = scratch
    self.weights = weights
    products = try KernelError.engine { () throws(EngineError) in
      try [(rows, shape.input), (shape.batch, shape.hidden)].map {
        (rows, size) throws(EngineError) in
        try MatrixProduct(
          context.engine, .init(rowMajor: [rows, size]), .init(rowMajor: [size, columns]),
          output: [rows, columns])
      }
    }
  }

  func begin(_ direction: Int, _ operands: Operands) {
    x = operands.input(0, as: Float.self)
    let columns = shape.gates * shape.hidden
    for (index, weight) in weights.enumerated() {
      let count = weight.rows * columns
      let codes = operands.input(weight.code, as: UInt8.self) + direction * count
      let first = direction * (weight.isByColumn ? columns : 1)
      let scale = operands.input(weight.scale, as: Float.self)
      func own(_ column: Int) -> Int { first + (weight.isByColumn ? column : 0) }
      scales[index] = (0..<columns).map { scale[own($0)] }
      let zeros = (0..<columns).map {
        weight.hasZero
          ? weight.codec.load(operands.input(weight.zero, as: UInt8.self), own($0)) : 0
      }
      for row in 0..<weight.rows {
        for column in 0..<columns {
          let place = row * columns + column
          weight.memory[place] = Float(weight.codec.load(codes, place) - zeros[column])
        }
      }
    }
  }

  func multiplyInputs(bias: UnsafePointer<Float>, into sums: UnsafeMutablePointer<Float>)
    throws(EngineError)
  {
    guard let x else { return }
    try multiply(x, rows: shape.steps * shape.batch, weight: 0, into: sums)
    let columns = shape.gates * shape.hidden
    for row in 0..<shape.steps * shape.batch {
      for column in 0..<columns { sums[row * columns + column] += bias[column] }
    }
  }

  func multiplyState(
    _ state: UnsafePointer<Float>, phase: Int, into sums: UnsafeMutablePointer<Float>
  ) throws(EngineError) { try multiply(state, rows: shape.batch, weight: 1, into: sums) }

  private func multiply(
    _ values: UnsafePointer<Float>, rows: Int, weight index: Int,
    into sums: UnsafeMutablePointer<Float>
  ) throws(EngineError) {
    let weight = weights[index]
    let count = rows * weight.rows
    let range = DynamicRange(values, count: count, codec)
    let codes = scratch.base.assumingMemoryBound(to: Float.self)
    for i in 0..<count {
      codes[i] = Float(codec.code(values[i] / range.scale, zero: range.zero) - range.zero)
    }
    try products[index].run(left: codes, right: weight.memory, into: sums)
    let columns = shape.gates * shape.hidden
    let factors = scales[index].map { $0 * range.scale }
    for row in 0..<rows {
      for column in 0..<columns { sums[row * columns + column] *= factors[column] }
    }
  }
}
