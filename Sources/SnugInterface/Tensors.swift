import CSnug
import Snug
import TensorCore

extension Tensor {
  /// A copy of a tensor that a caller gives.
  init(_ given: snug_tensor, _ place: String) throws {
    guard let type = ElementType(rawValue: given.element_type), type.bitWidth ?? 0 >= 8 else {
      throw Diagnostic.argument(
        place, "has the element type \(given.element_type), which can't be given")
    }
    guard (0...Int(SNUG_MAX_RANK)).contains(Int(given.rank)) else {
      throw Diagnostic.argument(place, "has the rank \(given.rank); allowed: 0 to \(SNUG_MAX_RANK)")
    }
    let shape = withUnsafeBytes(of: given.shape) { bytes in
      bytes.bindMemory(to: Int64.self).prefix(Int(given.rank)).map { Int($0) }
    }
    guard let count = Shape.elementCount(shape), let bytes = type.byteCount(elements: count),
      bytes == given.byte_count, given.data != nil || bytes == 0
    else {
      throw Diagnostic.argument(
        place, "has \(given.byte_count) bytes, which is not what the shape \(shape) takes")
    }
    let storage = TensorStorage(byteCount: bytes) { memory in
      guard let data = given.data else { return }
      memory.copyMemory(from: UnsafeRawBufferPointer(start: data, count: bytes))
    }
    guard let tensor = Tensor(elementType: type, shape: shape, storage: storage) else {
      throw Diagnostic.argument(place, "is no tensor")
    }
    self = tensor
  }
}

extension snug_tensor {
  /// Writes type, shape and size of a tensor, and where there is room for them its elements.
  ///
  /// - Returns: whether there is.
  mutating func take(_ tensor: Tensor) -> Bool {
    let room = byte_count
    element_type = tensor.elementType.rawValue
    rank = Int32(tensor.shape.count)
    byte_count = tensor.storage.byteCount
    withUnsafeMutableBytes(of: &shape) { bytes in
      let sizes = bytes.bindMemory(to: Int64.self)
      for (axis, size) in tensor.shape.prefix(sizes.count).enumerated() {
        sizes[axis] = Int64(size)
      }
    }
    guard let data else { return true }
    guard byte_count <= room else { return false }
    tensor.storage.withBytes { bytes in
      if let base = bytes.baseAddress { data.copyMemory(from: base, byteCount: bytes.count) }
    }
    return true
  }
}
