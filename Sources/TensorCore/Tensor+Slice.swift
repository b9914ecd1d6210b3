extension Tensor {
  /// The entries `range` along dimension 0, which share this tensor's memory.
  ///
  /// - Returns: `nil` for a scalar, for elements of less than 8 bits or strings, and for a range outside the tensor.
  public func slice(_ range: Range<Int>) -> Tensor? {
    guard let first = shape.first, range.lowerBound >= 0, range.upperBound <= first,
      let bits = elementType.bitWidth, bits >= 8
    else { return nil }
    let stride = shape.dropFirst().reduce(1, *) * (bits / 8)
    let part = storage.bytes[range.lowerBound * stride..<range.upperBound * stride]
    // The new storage keeps the old one alive and frees nothing itself.
    let owner = storage
    let view = TensorStorage(adopting: UnsafeRawBufferPointer(rebasing: part)) { _ in
      withExtendedLifetime(owner) {}
    }
    return Tensor(elementType: elementType, shape: [range.count] + shape.dropFirst(), storage: view)
  }

  /// Tensors of the same type joined along dimension 0.
  ///
  /// - Returns: `nil` where there are none, or their types or inner dimensions differ.
  public static func concatenate(_ parts: [Tensor]) -> Tensor? {
    guard let first = parts.first, let bits = first.elementType.bitWidth, bits >= 8, first.rank > 0
    else { return nil }
    let inner = Array(first.shape.dropFirst())
    guard
      parts.allSatisfy({
        $0.elementType == first.elementType && Array($0.shape.dropFirst()) == inner
      })
    else { return nil }
    let count = parts.reduce(0) { $0 + $1.shape[0] }
    let storage = TensorStorage(byteCount: parts.reduce(0) { $0 + $1.storage.bytes.count }) {
      var offset = 0
      for part in parts {
        UnsafeMutableRawBufferPointer(rebasing: $0[offset...]).copyMemory(from: part.storage.bytes)
        offset += part.storage.bytes.count
      }
    }
    return Tensor(elementType: first.elementType, shape: [count] + inner, storage: storage)
  }
}
