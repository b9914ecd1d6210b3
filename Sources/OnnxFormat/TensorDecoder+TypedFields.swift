import COnnxProto
import TensorCore

extension TensorDecoder {
  /// The elements of the typed field that belongs to `type`.
  func typedStorage(_ message: Message, type: ElementType, count: Int, field: DataField)
    throws(TensorFault) -> TensorStorage
  {
    func check(_ actual: Int, expected: Int) throws(TensorFault) {
      guard actual == expected else {
        throw .elementCount(field: field.rawValue, expected: expected, actual: actual)
      }
    }
    switch field {
    case .raw, .strings: throw .wrongDataField(field: field.rawValue, type: type)
    case .floats:
      let rest = take(&message.pointee.float_data, &message.pointee.n_float_data)
      let storage = join(taken(message)?.storage, rest)
      // A complex element is two entries; `count` is below Int.max / 8, as its bytes were counted.
      try check(storage.byteCount / 4, expected: type == .complex64 ? 2 * count : count)
      return storage
    case .doubles:
      let rest = take(&message.pointee.double_data, &message.pointee.n_double_data)
      let storage = join(taken(message)?.storage, rest)
      try check(storage.byteCount / 8, expected: type == .complex128 ? 2 * count : count)
      return storage
    case .int64s:
      try check(message.pointee.n_int64_data, expected: count)
      return take(&message.pointee.int64_data, &message.pointee.n_int64_data)
    case .uint64s:
      try check(message.pointee.n_uint64_data, expected: count)
      if type == .uint64 {
        return take(&message.pointee.uint64_data, &message.pointee.n_uint64_data)
      }
      return narrow(message.pointee.uint64_data, count, to: UInt32.self)
    case .int32s:
      let isPacked = type == .int4 || type == .uint4
      let entries = isPacked ? count / 2 + count % 2 : count
      try check(message.pointee.n_int32_data, expected: entries)
      if type == .int32 {
        return take(&message.pointee.int32_data, &message.pointee.n_int32_data)
      }
      if type == .bool {
        return TensorStorage(byteCount: count) { buffer in
          for (index, value) in numbers(message.pointee.int32_data, count).enumerated() {
            buffer[index] = value == 0 ? 0 : 1
          }
        }
      }
      return type.bitWidth == 16
        ? narrow(message.pointee.int32_data, entries, to: UInt16.self)
        : narrow(message.pointee.int32_data, entries, to: UInt8.self)
    }
  }

  /// Joins a list whose first part the scanner took out; further parts are rare.
  private func join(_ first: TensorStorage?, _ rest: TensorStorage) -> TensorStorage {
    guard let first else { return rest }
    if rest.byteCount == 0 { return first }
    return TensorStorage(byteCount: first.byteCount + rest.byteCount) { buffer in
      buffer.copyBytes(from: [first.bytes, rest.bytes].joined())
    }
  }

  /// Takes an array from its message: protobuf-c allocates it with `malloc`, and does not free it after this.
  private func take<Number: BitwiseCopyable>(
    _ list: inout UnsafeMutablePointer<Number>!, _ count: inout Int
  ) -> TensorStorage {
    let bytes = UnsafeRawBufferPointer(numbers(list, count))
    list = nil
    count = 0
    return TensorStorage(adopting: bytes) {
      free(UnsafeMutableRawPointer(mutating: $0.baseAddress))
    }
  }

  /// The low bits of each entry, which are integers within their range or bit patterns of small float types.
  private func narrow<Wide: FixedWidthInteger, Narrow: FixedWidthInteger & BitwiseCopyable>(
    _ list: UnsafeMutablePointer<Wide>?, _ count: Int, to type: Narrow.Type
  ) -> TensorStorage {
    TensorStorage(byteCount: count * MemoryLayout<Narrow>.size) { buffer in
      for (index, value) in numbers(list, count).enumerated() {
        buffer.storeBytes(
          of: Narrow(truncatingIfNeeded: value), toByteOffset: index * MemoryLayout<Narrow>.size,
          as: Narrow.self)
      }
    }
  }
}
