import TensorCore

/// A tensor as the texts of the standards see it: numbers in row-major order, which a type holds exactly.
struct Dense: Hashable, Sendable, CustomStringConvertible {
  var type: ElementType
  var shape: [Int]
  var values: [Double]

  init(_ type: ElementType, _ shape: [Int], _ values: [Double]) {
    self.type = type
    self.shape = shape
    self.values = values
  }

  /// Integers of one dimension.
  init(_ type: ElementType, _ values: [Int]) {
    self.init(type, [values.count], values.map(Double.init))
  }

  /// Zeros, where the shape alone matters.
  init(zeros shape: [Int], _ type: ElementType = .float32) {
    self.init(type, shape, [Double](repeating: 0, count: shape.reduce(1, *)))
  }

  var description: String { "\(type)\(shape)\(values)" }

  static func scalar(_ type: ElementType, _ value: Double) -> Dense { Dense(type, [], [value]) }

  var integers: [Int] { values.map { Int($0) } }

  /// The least and the greatest integer of a type.
  static func bounds(_ type: ElementType) -> ClosedRange<Int> {
    switch type {
    case .int4: -8...7
    case .uint4: 0...15
    case .int8: -128...127
    case .uint8: 0...255
    case .int16: -32768...32767
    case .uint16: 0...65535
    case .int32: -2_147_483_648...2_147_483_647
    case .uint32: 0...4_294_967_295
    default: Int.min...Int.max
    }
  }

  /// The integer of a type that is congruent to another.
  static func wrapped(_ value: Int, _ type: ElementType) -> Int {
    let range = bounds(type)
    if range.contains(value) { return value }
    let width = range.upperBound - range.lowerBound + 1
    let rest = (value - range.lowerBound) % width
    return range.lowerBound + (rest < 0 ? rest + width : rest)
  }

  var tensor: Tensor? {
    func integers<T: FixedWidthInteger & TensorElement>(_ element: T.Type) -> Tensor {
      Tensor(values.map { T($0) }, shape: shape)
    }
    switch type {
    case .float32: return Tensor(values.map { Float($0) }, shape: shape)
    case .float64: return Tensor(values, shape: shape)
    case .bool: return Tensor(values.map { $0 != 0 }, shape: shape)
    case .int8: return integers(Int8.self)
    case .uint8: return integers(UInt8.self)
    case .int16: return integers(Int16.self)
    case .uint16: return integers(UInt16.self)
    case .int32: return integers(Int32.self)
    case .uint32: return integers(UInt32.self)
    case .int64:
      // The ends of the type, which double precision rounds beyond it.
      return Tensor(
        values.map { Int64(exactly: $0) ?? ($0 < 0 ? .min : .max) }, shape: shape)
    case .int4, .uint4:
      let nibbles = values.map { UInt8(truncatingIfNeeded: Int($0)) & 0xF }
      let bytes = stride(from: 0, to: nibbles.count, by: 2).map { index in
        nibbles[index] | (index + 1 < nibbles.count ? nibbles[index + 1] << 4 : 0)
      }
      let storage = TensorStorage(byteCount: bytes.count) { $0.copyBytes(from: bytes) }
      return Tensor(elementType: type, shape: shape, storage: storage)
    default: return nil
    }
  }

  // MARK: Places

  /// The values of `shape` at the places that `source` gives for each index tuple; `fallback` where it gives none.
  func gathered(
    _ target: [Int], fallback: Double = 0, _ source: ([Int]) -> [Int]?
  ) -> Dense {
    Dense(
      type, target,
      Self.indices(target).map { index in
        source(index).map { values[Self.offset($0, shape)] } ?? fallback
      })
  }

  static func indices(_ shape: [Int]) -> [[Int]] {
    shape.reduce([[]]) { partial, size in
      partial.flatMap { head in (0..<size).map { head + [$0] } }
    }
  }

  static func offset(_ index: [Int], _ shape: [Int]) -> Int {
    zip(index, shape).reduce(0) { $0 * $1.1 + $1.0 }
  }

  /// Elements that meet by broadcasting; `nil` where the shapes don't fit.
  static func combine(
    _ inputs: [Dense], _ type: ElementType, _ body: ([Double]) -> Double?
  ) -> Dense? {
    let rank = inputs.map(\.shape.count).max() ?? 0
    let padded = inputs.map { [Int](repeating: 1, count: rank - $0.shape.count) + $0.shape }
    var shape: [Int] = []
    for axis in 0..<rank {
      let sizes = Set(padded.map { $0[axis] }).subtracting([1])
      guard sizes.count <= 1 else { return nil }
      shape.append(sizes.first ?? 1)
    }
    var values: [Double] = []
    for index in indices(shape) {
      let elements = zip(inputs, padded).map { input, own in
        input.values[offset(zip(index, own).map { $1 == 1 ? 0 : $0 }, own)]
      }
      guard let value = body(elements) else { return nil }
      values.append(value)
    }
    return Dense(type, shape, values)
  }

  func map(_ body: (Double) -> Double) -> Dense { Dense(type, shape, values.map(body)) }
}
