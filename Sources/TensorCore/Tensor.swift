/// An immutable dense tensor in row-major order, which is cheap to copy.
///
/// Letters for shapes in this package are N for the batch, C for channels, H and W for height and width, O for output
/// and I for input channels, and K for the length of a dot product.
public struct Tensor: Sendable {
  public let elementType: ElementType
  /// The dimensions, outermost first; empty for a scalar.
  public let shape: [Int]
  package let storage: TensorStorage
  /// The elements of a string tensor, whose ``storage`` is empty.
  public let strings: [[UInt8]]

  /// A tensor over `storage`; `nil` unless that holds exactly the bytes of the type and shape.
  package init?(elementType: ElementType, shape: [Int], storage: TensorStorage) {
    guard let count = Shape.elementCount(shape),
      elementType.byteCount(elements: count) == storage.byteCount
    else { return nil }
    self.elementType = elementType
    self.shape = shape
    self.storage = storage
    self.strings = []
  }

  /// A tensor of byte strings; `nil` unless their number is that of the shape.
  public init?(strings: [[UInt8]], shape: [Int]) {
    guard Shape.elementCount(shape) == strings.count else { return nil }
    self.elementType = .string
    self.shape = shape
    self.storage = TensorStorage(byteCount: 0) { _ in }
    self.strings = strings
  }

  /// A tensor in new memory that `initialize` fills.
  ///
  /// - Precondition: no dimension is negative and the size fits in memory.
  public init<T: TensorElement, E: Error>(
    shape: [Int], of type: T.Type = T.self,
    initialize: (UnsafeMutableBufferPointer<T>) throws(E) -> Void
  ) throws(E) {
    guard let count = Shape.elementCount(shape),
      let byteCount = T.elementType.byteCount(elements: count)
    else { preconditionFailure("invalid shape \(shape)") }
    self.elementType = T.elementType
    self.shape = shape
    self.storage = try TensorStorage(byteCount: byteCount) { (bytes) throws(E) in
      try initialize(bytes.bindMemory(to: T.self))
    }
    self.strings = []
  }

  /// A tensor whose elements `fill` writes when they are first read, and again after they were discarded.
  ///
  /// - Parameter fill: writes every element, the same ones at each call.
  /// - Precondition: no dimension is negative and the size fits in memory.
  package static func renewable<T: TensorElement>(
    shape: [Int], of type: T.Type = T.self,
    fill: @escaping @Sendable (UnsafeMutableBufferPointer<T>) -> Void
  ) -> Tensor {
    guard let count = Shape.elementCount(shape),
      let byteCount = T.elementType.byteCount(elements: count),
      let tensor = Tensor(
        elementType: T.elementType, shape: shape,
        storage: .renewable(byteCount: byteCount) { fill($0.bindMemory(to: T.self)) })
    else { preconditionFailure("invalid shape \(shape)") }
    return tensor
  }

  /// A tensor with a copy of `elements`.
  ///
  /// - Precondition: `elements.count` is the product of `shape`.
  public init<T: TensorElement>(_ elements: [T], shape: [Int]) {
    precondition(
      Shape.elementCount(shape) == elements.count, "shape \(shape) for \(elements.count)")
    self.init(shape: shape, of: T.self) { buffer in
      _ = buffer.initialize(from: elements)
    }
  }

  /// A scalar (rank 0).
  public init<T: TensorElement>(scalar: T) { self.init([scalar], shape: []) }

  public var count: Int { Shape.elementCount(shape) ?? 0 }
  public var rank: Int { shape.count }
  public var type: TensorType { TensorType(elementType, shape: shape) }

  /// Calls `body` with the elements in place.
  ///
  /// - Precondition: `T` is the Swift type of `elementType`.
  public func withElements<T: TensorElement, R, E: Error>(
    of type: T.Type = T.self, _ body: (UnsafeBufferPointer<T>) throws(E) -> R
  ) throws(E) -> R {
    precondition(T.elementType == elementType, "\(T.elementType) read from \(elementType)")
    return try storage.withBytes { (bytes) throws(E) in try Self.withTyped(bytes, body) }
  }

  private static func withTyped<T, R, E: Error>(
    _ bytes: UnsafeRawBufferPointer, _ body: (UnsafeBufferPointer<T>) throws(E) -> R
  ) throws(E) -> R {
    // Bytes of a parsed file may lie at any address; typed access needs the type's alignment.
    if let base = bytes.baseAddress, Int(bitPattern: base) % MemoryLayout<T>.alignment != 0 {
      let copy = UnsafeMutableRawBufferPointer.allocate(
        byteCount: max(bytes.count, 1), alignment: 64)
      defer { copy.deallocate() }
      copy.copyMemory(from: bytes)
      return try body(
        UnsafeBufferPointer(
          start: copy.baseAddress?.assumingMemoryBound(to: T.self),
          count: bytes.count / MemoryLayout<T>.stride))
    }
    return try body(
      UnsafeBufferPointer(
        start: bytes.baseAddress?.assumingMemoryBound(to: T.self),
        count: bytes.count / MemoryLayout<T>.stride))
  }

  /// A copy of the elements.
  ///
  /// - Precondition: `T` is the Swift type of `elementType`.
  public func elements<T: TensorElement>(of type: T.Type = T.self) -> [T] {
    withElements(of: type) { Array($0) }
  }

  /// The same elements in another shape; `nil` where the number of elements differs.
  public func reshaped(_ shape: [Int]) -> Tensor? {
    elementType == .string
      ? Tensor(strings: strings, shape: shape)
      : Tensor(elementType: elementType, shape: shape, storage: storage)
  }
}

extension Tensor: Hashable {
  /// Whether types, shapes and bits are equal: NaN equals itself, and -0 differs from 0.
  public static func == (a: Tensor, b: Tensor) -> Bool {
    a.elementType == b.elementType && a.shape == b.shape && a.strings == b.strings
      && (a.storage === b.storage
        || a.storage.withBytes { x in b.storage.withBytes { x.elementsEqual($0) } })
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(elementType)
    hasher.combine(shape)
    storage.withBytes {
      hasher.combine(bytes: UnsafeRawBufferPointer(rebasing: $0.prefix(64)))
    }
  }
}
