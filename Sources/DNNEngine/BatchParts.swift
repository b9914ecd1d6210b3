import TensorCore

/// A primitive that computes a batch in parts, in parallel and each on one thread, with the same bits for any number
/// of threads.
///
/// Some of oneDNN's implementations divide a sum by the number of threads. Parts depend on shapes alone.
///
/// Not safe to run from two threads at once.
package final class BatchParts {
  /// The place of a part's operand.
  package enum Place: Sendable, Hashable {
    /// The operand lies with the part's samples, within the layout of the whole batch.
    case samples
    /// All parts share the operand.
    case shared
    /// The operand lies after those of the previous parts.
    case part
  }

  package typealias Operand = (argument: Argument, layout: MemoryDescriptor, place: Place)

  package var count: Int { parts.count }
  private let parts: [Part]

  private struct Part {
    var primitive: Primitive
    /// The offset of each operand in bytes.
    var offsets: [Int]
  }

  /// - Parameters:
  ///   - samples: the number of samples in the batch.
  ///   - count: the number of parts to make of the samples; fewer where there are fewer samples, and one where
  ///     samples are interleaved in memory.
  ///   - operands: the operands with the layouts of the whole batch, with samples along their first dimension.
  ///   - make: makes the primitive for the layouts of the operands of some samples.
  /// - Throws: ``EngineError`` where oneDNN refuses.
  package init(
    samples: Int, count: Int, _ operands: [Operand],
    make: ([MemoryDescriptor]) throws(EngineError) -> PrimitiveDescriptor
  ) throws(EngineError) {
    let isDivisible = operands.allSatisfy {
      $0.place != .samples || $0.layout.batchByteStride != nil
    }
    let count = isDivisible ? max(1, min(count, samples)) : 1
    parts = try Engine.onOneThread { () throws(EngineError) in
      var descriptors: [Int: PrimitiveDescriptor] = [:]
      var parts: [Part] = []
      for part in 0..<count {
        let range = samples * part / count..<samples * (part + 1) / count
        var layouts: [MemoryDescriptor] = []
        var offsets: [Int] = []
        for operand in operands {
          let isCut = operand.place == .samples && range.count < samples
          layouts.append(isCut ? try operand.layout.batch(of: range.count) : operand.layout)
          let offset =
            switch operand.place {
            case .samples: range.lowerBound * (operand.layout.batchByteStride ?? 0)
            case .shared: 0
            case .part: part * operand.layout.byteCount
            }
          offsets.append(offset)
        }
        var descriptor = descriptors[range.count]
        if descriptor == nil { descriptor = try make(layouts) }
        descriptors[range.count] = descriptor
        guard let descriptor else { continue }
        let arguments = zip(operands, layouts).map { ($0.argument, $1) }
        parts.append(Part(primitive: try Primitive(descriptor, arguments), offsets: offsets))
      }
      return parts
    }
  }

  /// Computes all parts.
  ///
  /// - Parameter pointers: the address of each operand of the whole batch.
  /// - Throws: ``EngineError`` where oneDNN fails.
  package func run(_ pointers: [UnsafeMutableRawPointer?]) throws(EngineError) {
    try Engine.forEachOnOneThread(count: parts.count, sharing: pointers, parts) {
      (index, pointers, parts) throws(EngineError) in
      let part = parts[index]
      for (position, offset) in part.offsets.enumerated() {
        try part.primitive.point(position, at: pointers[position].map { $0 + offset })
      }
      try part.primitive.run()
    }
  }
}
