import TensorCore

/// Arithmetic on integer constants of the file, exact and wrapped to their type as the standard demands.
enum ConstantFolding {
  /// Combines the elements of the inputs, integer constants of one type, from the left and with broadcasting; gives
  /// `nil` where an input isn't such a constant.
  static func combined(_ context: NodeContext, _ operation: (Int, Int) -> Int?) throws(Obstacle)
    -> ConstantTensor?
  {
    var result: (values: [Int], shape: [Int], type: ElementType)?
    for index in context.node.inputs.indices {
      guard case .constant(let constant) = try context.fact(index), let tensor = constant.plain,
        CodeRange(of: tensor.elementType) != nil, tensor.count <= limit,
        let values = tensor.integers()
      else { return nil }
      guard let left = result else {
        result = (values, tensor.shape, tensor.elementType)
        continue
      }
      guard left.type == tensor.elementType,
        let shape = Shape.broadcast(left.shape, tensor.shape),
        let count = Shape.elementCount(shape), count <= limit
      else { return nil }
      let a = Self.offsets(left.shape, in: shape)
      let b = Self.offsets(tensor.shape, in: shape)
      var combined: [Int] = []
      combined.reserveCapacity(count)
      for position in 0..<count {
        guard let value = operation(left.values[a[position]], values[b[position]]) else {
          return nil
        }
        combined.append(value)
      }
      result = (combined, shape, left.type)
    }
    guard let result, let tensor = tensor(result.values, result.shape, result.type) else {
      return nil
    }
    return ConstantTensor(tensor, name: name(context))
  }

  /// An integer tensor of the given type, to which elements beyond its range are wrapped.
  static func tensor(_ values: [Int], _ shape: [Int], _ type: ElementType) -> Tensor? {
    switch type {
    case .int8: Tensor(values.map { Int8(truncatingIfNeeded: $0) }, shape: shape)
    case .uint8: Tensor(values.map { UInt8(truncatingIfNeeded: $0) }, shape: shape)
    case .int16: Tensor(values.map { Int16(truncatingIfNeeded: $0) }, shape: shape)
    case .uint16: Tensor(values.map { UInt16(truncatingIfNeeded: $0) }, shape: shape)
    case .int32: Tensor(values.map { Int32(truncatingIfNeeded: $0) }, shape: shape)
    case .uint32: Tensor(values.map { UInt32(truncatingIfNeeded: $0) }, shape: shape)
    default: nil
    }
  }

  static func name(_ context: NodeContext) -> String {
    context.node.outputs.lazy.compactMap { $0 }.first.map { context.graph[$0].name }
      ?? context.label
  }

  /// The largest number of elements of constants that are folded.
  static let limit = 1 << 26

  /// For each element of a broadcast shape, the position of the operand's element.
  private static func offsets(_ own: [Int], in shape: [Int]) -> [Int] {
    let strides = Shape.strides(own)
    let extra = shape.count - own.count
    var result = [0]
    for axis in shape.indices {
      let stride = axis < extra || own[axis - extra] == 1 ? 0 : strides[axis - extra]
      let size = shape[axis]
      result = result.flatMap { base in (0..<size).map { base + $0 * stride } }
    }
    return result
  }
}

extension ConstantTensor {
  /// The constant with its integers clamped to two limits; `nil` where they aren't plain codes.
  func clamped(from low: Int?, to high: Int?) -> ConstantTensor? {
    guard let codes, scale == nil, zeroPoint == nil else { return nil }
    if quantizer != nil { return limited(to: codes.clamped(from: low, to: high)) }
    guard tensor.count <= ConstantFolding.limit, let values = tensor.integers() else { return nil }
    let limited = values.map { min(max($0, low ?? Int.min), high ?? Int.max) }
    // Limits beyond the type have no effect, since they can't be written in it.
    guard
      let folded = ConstantFolding.tensor(
        limited, tensor.shape,
        [.int4, .uint4].contains(tensor.elementType) ? .int8 : tensor.elementType)
    else { return nil }
    return replacing(folded, codes: codes.clamped(from: low, to: high))
  }
}
