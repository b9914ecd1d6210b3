import Execution
import TensorCore

/// Tensors joined along an axis, in memory: each row of the whole is a row of the first, then one of the
/// second, and so on.
struct JoinedRows: Sendable {
  /// The part of a row that comes from one input.
  private struct Piece: Sendable {
    var input: Int
    var offset: Int
    var byteCount: Int
  }

  private let pieces: [Piece]
  private let rowBytes: Int
  private let count: Int

  /// - Parameters:
  ///   - outer: rows.
  ///   - inner: bytes of a row for each entry of the axis.
  init(_ context: KernelContext, outer: Int, inner: Int, axis: Int) throws(KernelError) {
    var pieces: [Piece] = []
    var offset = 0
    for index in context.inputs.indices {
      let byteCount = try context.input(index).shape[axis] * inner
      if byteCount > 0 { pieces.append(Piece(input: index, offset: offset, byteCount: byteCount)) }
      offset += byteCount
    }
    self.pieces = pieces
    rowBytes = offset
    count = outer
  }

  /// Copies the inputs to the first output.
  func join(_ operands: Operands) {
    let y = UnsafeMutableRawPointer(operands.output(as: UInt8.self))
    forEachRange(sharing: operands, y) { rows, operands, y in
      for piece in pieces {
        let x = UnsafeRawPointer(operands.input(piece.input, as: UInt8.self))
        for row in rows {
          (y + row * rowBytes + piece.offset).copyMemory(
            from: x + row * piece.byteCount, byteCount: piece.byteCount)
        }
      }
    }
  }

  /// Copies from the first input to one output for each of `inputs`.
  func split(_ operands: Operands, into inputs: [Int]) {
    let dy = UnsafeRawPointer(operands.input(0, as: UInt8.self))
    forEachRange(sharing: operands, dy) { rows, operands, dy in
      for piece in pieces {
        guard let place = inputs.firstIndex(of: piece.input) else { continue }
        let dx = UnsafeMutableRawPointer(operands.output(place, as: UInt8.self))
        for row in rows {
          (dx + row * piece.byteCount).copyMemory(
            from: dy + row * rowBytes + piece.offset, byteCount: piece.byteCount)
        }
      }
    }
  }

  private func forEachRange<each Shared>(
    sharing shared: repeat each Shared, do body: @Sendable (Range<Int>, repeat each Shared) -> Void
  ) {
    Parallelism.forEachRange(
      count: count, grain: max(1, 1 << 16 / max(rowBytes, 1)), sharing: repeat each shared,
      do: body)
  }
}
