import DNNEngine
import Execution
import GraphIR
import TensorCore

/// Element types that operators compute with, under ONNX's rules where Swift's own would trap.
protocol Number: TensorElement, Comparable {
  static var zero: Self { get }
  static var one: Self { get }
  /// Sums, differences and products of integers wrap around.
  static func sum(_ a: Self, _ b: Self) -> Self
  static func difference(_ a: Self, _ b: Self) -> Self
  static func product(_ a: Self, _ b: Self) -> Self
  /// Integers are truncated toward zero; `nil` where the result isn't defined.
  static func quotient(_ a: Self, _ b: Self) -> Self?
  /// The values that a minimum and a maximum of no elements have.
  static var greatest: Self { get }
  static var least: Self { get }
  /// As ``ElementCodec`` converts: integers are truncated and saturate.
  init(converting value: Double)
  var real: Double { get }
}

extension Number where Self: FixedWidthInteger {
  static var one: Self { 1 }
  static func sum(_ a: Self, _ b: Self) -> Self { a &+ b }
  static func difference(_ a: Self, _ b: Self) -> Self { a &- b }
  static func product(_ a: Self, _ b: Self) -> Self { a &* b }
  static func quotient(_ a: Self, _ b: Self) -> Self? {
    b == 0 ? nil : a.dividedReportingOverflow(by: b).partialValue
  }
  static var greatest: Self { max }
  static var least: Self { min }
  init(converting value: Double) { self = ElementCodec.Number.real(value).integer(Self.self) }
  var real: Double { Double(self) }
}

extension Number where Self: BinaryFloatingPoint {
  static var one: Self { 1 }
  static func sum(_ a: Self, _ b: Self) -> Self { a + b }
  static func difference(_ a: Self, _ b: Self) -> Self { a - b }
  static func product(_ a: Self, _ b: Self) -> Self { a * b }
  static func quotient(_ a: Self, _ b: Self) -> Self? { a / b }
  static var greatest: Self { infinity }
  static var least: Self { -infinity }
  init(converting value: Double) { self.init(value) }
  var real: Double { Double(self) }
}

extension Float: Number {}
extension Double: Number {}
extension Int8: Number {}
extension UInt8: Number {}
extension Int16: Number {}
extension UInt16: Number {}
extension Int32: Number {}
extension UInt32: Number {}
extension Int64: Number {}
extension UInt64: Number {}

extension Number {
  static func apply(_ function: BinaryFunction, _ a: Self, _ b: Self) -> Self? {
    switch function {
    case .add: sum(a, b)
    case .subtract: difference(a, b)
    case .multiply: product(a, b)
    case .divide: quotient(a, b)
    }
  }

  /// The smaller one; NaN where either is.
  @inline(__always)
  static func lesser(_ a: Self, _ b: Self) -> Self { a < b || a != a ? a : b }

  /// The larger one; NaN where either is.
  @inline(__always)
  static func greater(_ a: Self, _ b: Self) -> Self { a > b || a != a ? a : b }
}

extension KernelContext {
  /// The Swift type of an input's elements.
  ///
  /// Half precision is refused here, upon which ``ExecutableOperator/makeAnyKernel(_:)`` computes in single.
  ///
  /// - Parameter takesBooleans: whether booleans count as bytes of 0 and 1.
  /// - Throws: ``OperatorError/elementType(input:actual:allowed:)`` for a type that isn't a ``Number``.
  func number(_ index: Int, takesBooleans: Bool = false) throws(KernelError) -> any Number.Type {
    let type = try input(index).elementType
    switch type {
    case .float32: return Float.self
    case .float64: return Double.self
    case .int8: return Int8.self
    case .uint8: return UInt8.self
    case .int16: return Int16.self
    case .uint16: return UInt16.self
    case .int32: return Int32.self
    case .uint32: return UInt32.self
    case .int64: return Int64.self
    case .uint64: return UInt64.self
    case .bool where takesBooleans: return UInt8.self
    default:
      throw .operator(
        .elementType(
          input: index, actual: type, allowed: [.float32, .float64] + .integer))
    }
  }

  /// - Throws: ``OperatorError/elementType(input:actual:allowed:)`` where an input differs in type from the first.
  func requireOneType() throws(KernelError) {
    let type = try input(0).elementType
    for (index, input) in inputs.enumerated() {
      guard let input, input.elementType != type else { continue }
      throw .operator(.elementType(input: index, actual: input.elementType, allowed: [type]))
    }
  }
}
