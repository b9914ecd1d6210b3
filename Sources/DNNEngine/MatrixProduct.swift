import COneDNN
import TensorCore

/// A product of stacks of matrices of shapes `[..., M, K]` and `[..., K, N]` in single precision, with the same bits
/// for any number of threads; leading dimensions and the bias broadcast.
///
/// oneDNN by itself divides a product by the number of its threads, including the sum over K. So the result is
/// divided here, into tiles that depend on shapes alone; each is computed on one thread, and tiles are computed in
/// parallel.
///
/// Not safe to run from two threads at once.
package final class MatrixProduct {
  /// A stack of matrices in memory, of shape `[..., rows, columns]`, with the distances between elements.
  package struct Operand: Sendable {
    package var shape: [Int]
    package var strides: [Int]

    package init(shape: [Int], strides: [Int]) {
      self.shape = shape
      self.strides = strides
    }

    package init(rowMajor shape: [Int]) { self.init(shape: shape, strides: Shape.strides(shape)) }
  }

  private let tiles: [Tile]
  /// The primitives that compute the tiles; a slot is used by one thread at a time.
  private let slots: [Slot]

  /// The largest number of tiles that are computed at once. It is fixed, so that a product may be run by another
  /// number of threads than made it.
  private static let slotLimit = 32

  /// - Parameters:
  ///   - bias: the row-major shape of the bias, of the output's rank; `nil` for none.
  ///   - output: the row-major shape of the result, whose rank the operands have.
  ///   - operations: the operations that are applied to each sum.
  /// - Throws: ``EngineError`` where oneDNN refuses the product.
  package init(
    _ engine: Engine, _ left: Operand, _ right: Operand, bias: [Int]? = nil, output: [Int],
    post operations: [PostOperation] = []
  ) throws(EngineError) {
    let plan = TilePlan(left, right, bias: bias.map(Operand.init(rowMajor:)), output: output)
    let tiles = plan.tiles
    self.tiles = tiles
    let count = min(tiles.count, Self.slotLimit)
    slots = try Engine.onOneThread { () throws(EngineError) in
      var shapes: [TilePlan.Shape: PrimitiveDescriptor] = [:]
      for tile in tiles where shapes[tile.shape] == nil {
        shapes[tile.shape] = try plan.descriptor(engine, tile.shape, post: operations)
      }
      var slots: [Slot] = []
      for index in 0..<count {
        var primitives: [TilePlan.Shape: Primitive] = [:]
        for tile in stride(from: index, to: tiles.count, by: count).map({ tiles[$0] })
        where primitives[tile.shape] == nil {
          guard let descriptor = shapes[tile.shape] else { continue }
          primitives[tile.shape] = try Primitive(descriptor, try plan.operands(tile.shape))
        }
        slots.append(Slot(primitives: primitives))
      }
      return slots
    }
  }

  /// Computes the product.
  ///
  /// - Parameter bias: the address of the bias; `nil` where there is none.
  /// - Throws: ``EngineError`` where oneDNN fails.
  package func run(
    left: UnsafeRawPointer?, right: UnsafeRawPointer?, bias: UnsafeRawPointer? = nil,
    into output: UnsafeMutableRawPointer?
  ) throws(EngineError) {
    let tiles = tiles
    try Engine.forEachOnOneThread(count: slots.count, sharing: left, right, bias, output, slots) {
      (index, left, right, bias, output, slots) throws(EngineError) in
      for position in stride(from: index, to: tiles.count, by: slots.count) {
        let tile = tiles[position]
        guard let primitive = slots[index].primitives[tile.shape] else { continue }
        // oneDNN takes memory that it reads as mutable too.
        try primitive.point(0, at: .init(mutating: left.map { $0 + tile.left }))
        try primitive.point(1, at: .init(mutating: right.map { $0 + tile.right }))
        try primitive.point(2, at: output.map { $0 + tile.output })
        if let bias { try primitive.point(3, at: .init(mutating: bias + tile.bias)) }
        try primitive.run()
      }
    }
  }

  private struct Slot {
    let primitives: [TilePlan.Shape: Primitive]
  }

  /// A part of the result, with the offsets of its operands in bytes.
  struct Tile {
    var shape: TilePlan.Shape
    var left: Int
    var right: Int
    var bias: Int
    var output: Int
  }
}
