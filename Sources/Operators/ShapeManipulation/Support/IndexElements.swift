import Execution
import GraphIR
import TensorCore

/// Reads indices of either integer type, counted from the end where negative.
struct IndexElements: Sendable {
  private let isWide: Bool

  /// - Throws: ``OperatorError/elementType`` for a type other than int32 and int64.
  init(_ context: KernelContext, input: Int) throws(KernelError) {
    let type = try context.input(input).elementType
    guard type == .int32 || type == .int64 else {
      throw .operator(.elementType(input: input, actual: type, allowed: .anyIndex))
    }
    isWide = type == .int64
  }

  /// The element at `position`, in `0..<size`.
  ///
  /// - Throws: ``OperatorError/outOfRange(what:value:allowed:)`` outside `-size..<size`.
  func index(_ memory: UnsafePointer<UInt8>, _ position: Int, size: Int) throws(KernelError) -> Int
  {
    let bytes = UnsafeRawPointer(memory)
    let given =
      isWide
      ? Int(bytes.load(fromByteOffset: 8 * position, as: Int64.self))
      : Int(bytes.load(fromByteOffset: 4 * position, as: Int32.self))
    guard let index = Shape.normalizedAxis(given, rank: size) else {
      throw .operator(.outOfRange(what: "index", value: given, allowed: "\(-size)..<\(size)"))
    }
    return index
  }
}

/// The positions of a shape in row-major order, each with its place in memory of other distances.
struct StridedWalk: Sendable {
  let shape: [Int]
  let strides: [Int]

  var count: Int { shape.reduce(1, *) }

  func forEach(_ body: (_ position: Int, _ offset: Int) throws(KernelError) -> Void)
    throws(KernelError)
  {
    let length = shape.last ?? 1
    let step = strides.last ?? 1
    let outer = shape.dropLast()
    for row in 0..<(length == 0 ? 0 : outer.reduce(1, *)) {
      var rest = row
      var start = 0
      for axis in outer.indices.reversed() {
        let (quotient, remainder) = rest.quotientAndRemainder(dividingBy: shape[axis])
        start += remainder * strides[axis]
        rest = quotient
      }
      for column in 0..<length { try body(row * length + column, start + column * step) }
    }
  }
}
