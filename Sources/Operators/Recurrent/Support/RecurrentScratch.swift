import DNNEngine
import TensorCore

/// The memory of a recurrent kernel besides its operands.
struct RecurrentScratch: @unchecked Sendable {
  private let arena: Arena
  /// The sums of the biases of W and R, one a gate and element of the state.
  let bias: UnsafeMutablePointer<Float>
  /// The products of the input with W, a row for each step and sample.
  let input: UnsafeMutablePointer<Float>
  /// The products of one phase as the matrix product writes them.
  let products: UnsafeMutablePointer<Float>
  /// The products of all phases of a step, a row for each sample.
  let sums: UnsafeMutablePointer<Float>
  /// The states h and c, and what a later phase multiplies instead, a row for each sample.
  let state: UnsafeMutablePointer<Float>
  let memory: UnsafeMutablePointer<Float>
  let operand: UnsafeMutablePointer<Float>

  /// - Throws: ``EngineError/memory(bytes:)`` where the machine hasn't got as much.
  init(_ shape: RecurrentShape) throws(EngineError) {
    let (batch, hidden) = (shape.batch, shape.hidden)
    let columns = shape.gates * hidden
    let counts = [
      [columns], [shape.steps, batch, columns], [batch, columns], [batch, columns],
      [batch, hidden], [batch, hidden], [batch, hidden],
    ]
    var offsets = [0]
    for count in counts {
      guard let elements = Shape.elementCount(count) else { throw .memory(bytes: Int.max) }
      // Each part starts at a line of the cache.
      let (end, overflow) = offsets[offsets.count - 1].addingReportingOverflow(
        (elements + 15) / 16 * 16)
      guard !overflow, end < Int.max / MemoryLayout<Float>.size else {
        throw .memory(bytes: Int.max)
      }
      offsets.append(end)
    }
    arena = try Arena(byteCount: offsets[counts.count] * MemoryLayout<Float>.size)
    let base = arena.base.bindMemory(to: Float.self, capacity: offsets[counts.count])
    let parts = offsets.map { base + $0 }
    (bias, input, products, sums) = (parts[0], parts[1], parts[2], parts[3])
    (state, memory, operand) = (parts[4], parts[5], parts[6])
  }

  /// Adds the biases of W and those of R behind them, which a range of elements leaves out.
  func sumBiases(_ biases: UnsafePointer<Float>?, count: Int, except: Range<Int>?) {
    guard let biases else { return bias.update(repeating: 0, count: count) }
    for index in 0..<count {
      bias[index] = biases[index] + (except?.contains(index) == true ? 0 : biases[count + index])
    }
  }
}
