import Execution
import GraphIR
import TensorCore

/// How ScatterElements and ScatterND join an update with what stands at its place.
package enum ScatterReduction: String, Sendable, Hashable, CaseIterable {
  case replace = "none"
  case add
  case multiply = "mul"
  case maximum = "max"
  case minimum = "min"

  /// - Throws: ``OperatorError/attributeValue(name:value:allowed:)`` for another name.
  init(attributes: AttributeReader) throws(OperatorError) {
    let name = try attributes.string("reduction", default: Self.replace.rawValue)
    guard let reduction = Self(rawValue: name) else {
      throw .attributeValue(
        name: "reduction", value: name,
        allowed: Self.allCases.map(\.rawValue).joined(separator: ", "))
    }
    self = reduction
  }

  var attributes: [Attribute] {
    self == .replace ? [] : [Attribute("reduction", .string(rawValue))]
  }

  /// A function that joins `count` elements at `source` into those at `target`, places in elements.
  ///
  /// - Throws: ``OperatorError/unsupported(what:)`` for types that can't be computed with.
  func body(_ type: KernelInput) throws(KernelError) -> (
    _ target: UnsafeMutableRawPointer, _ at: Int, _ source: UnsafeRawPointer, _ from: Int,
    _ count: Int
  ) -> Void {
    let size = try type.elementBytes()
    if self == .replace {
      return { target, at, source, from, count in
        (target + at * size).copyMemory(from: source + from * size, byteCount: count * size)
      }
    }
    guard let codec = ElementCodec(type.elementType) else {
      throw .operator(
        .unsupported(what: "reduction '\(rawValue)' of \(type.elementType.onnxName)"))
    }
    return { target, at, source, from, count in
      for i in 0..<count {
        let joined = self.joined(codec.load(target, at + i), codec.load(source, from + i))
        codec.store(joined, target, at + i)
      }
    }
  }

  /// Sums and products of integers wrap around; those of floats round once, in the element type.
  private func joined(_ a: ElementCodec.Number, _ b: ElementCodec.Number) -> ElementCodec.Number {
    switch (a, b) {
    case (.integer(let x), .integer(let y)): .integer(joined(x, y))
    case (.unsigned(let x), .unsigned(let y)): .unsigned(joined(x, y))
    default:
      switch self {
      case .replace: b
      case .add: .real(a.double + b.double)
      case .multiply: .real(a.double * b.double)
      case .maximum: a.double >= b.double ? a : b
      case .minimum: a.double <= b.double ? a : b
      }
    }
  }

  private func joined<T: FixedWidthInteger>(_ a: T, _ b: T) -> T {
    switch self {
    case .replace: b
    case .add: a &+ b
    case .multiply: a &* b
    case .maximum: max(a, b)
    case .minimum: min(a, b)
    }
  }

  /// The gradient of a scatter: dUpdates is dY at the places of the updates, dData is dY, without those places
  /// where the updates replace.
  ///
  /// - Parameters:
  ///   - place: calls its argument with the places, in elements, of each run of `count` elements in the
  ///     updates and in the data.
  /// - Throws: ``OperatorError/unsupported(what:)`` for reductions other than none and add.
  func backward(
    _ context: BackwardContext, dataCount: Int, count: Int,
    places:
      @escaping (
        _ indices: UnsafePointer<UInt8>, _ body: (_ update: Int, _ data: Int) -> Void
      ) throws(KernelError) -> Void
  ) throws(KernelError) -> Backward {
    guard self == .replace || self == .add else {
      throw .operator(.unsupported(what: "the gradient of reduction '\(rawValue)'"))
    }
    let replaces = self == .replace
    let wanted = [0, 2].filter { context.wanted[$0] }
    return Backward(
      "scatter gradient", operands: [.input(1, .rowMajor), .gradient(0, .rowMajor)],
      results: wanted.map { Backward.Result(input: $0, layout: .rowMajor) }
    ) { (operands) throws(KernelError) in
      let indices = operands.input(0, as: UInt8.self)
      let dy = operands.input(1, as: Float.self)
      for (place, input) in wanted.enumerated() {
        let result = operands.output(place, as: Float.self)
        if input == 0 {
          result.update(from: dy, count: dataCount)
          guard replaces else { continue }
          try places(indices) { _, data in (result + data).update(repeating: 0, count: count) }
        } else {
          try places(indices) { update, data in
            (result + update).update(from: dy + data, count: count)
          }
        }
      }
    }
  }
}
