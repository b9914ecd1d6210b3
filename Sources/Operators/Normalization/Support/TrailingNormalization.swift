import Execution
import GraphIR
import TensorCore

/// A normalisation by statistics of all axes from `axis` on, with the attributes that the standard gives those.
protocol TrailingNormalization: SerializableOperator, RowNormalizing {
  var axis: Int { get }
  var epsilon: Float { get }
  /// The type of the statistics; sums are in double precision whatever it says.
  var stashType: Int { get }
  /// Whether the mean is subtracted.
  static var centres: Bool { get }

  init(axis: Int, epsilon: Float, stashType: Int)
}

extension TrailingNormalization {
  package init(attributes: AttributeReader) throws(OperatorError) {
    self.init(
      axis: try attributes.int("axis", default: -1),
      epsilon: try attributes.float("epsilon", default: 1e-5),
      stashType: try attributes.int("stash_type", default: 1))
    guard stashType == 1 else {
      throw .unsupported(what: "statistics of another type than float (stash_type \(stashType))")
    }
  }

  package func attributes() -> [Attribute] {
    [
      Attribute("axis", .int(Int64(axis))), Attribute("epsilon", .float(epsilon)),
      Attribute("stash_type", .int(Int64(stashType))),
    ]
  }

  /// The first of the axes of `type`, whose sizes the inputs after the first have, with ones before them at will.
  ///
  /// - Returns: `nil` where the rank isn't known.
  func firstAxis(_ inputs: [InputInfo?], parameters: [String]) throws(OperatorError) -> Int? {
    guard let type = inputs.type(0), let rank = type.rank else { return nil }
    let axis = try Axes.normalized(axis, rank: rank)
    guard let shape = type.shape else { return axis }
    for (index, name) in parameters.enumerated() {
      guard let given = inputs.type(index + 1)?.shape else { continue }
      let rows = shape[axis...]
      guard given.drop(while: { $0 == 1 }).elementsEqual(rows.drop { $0 == 1 }) else {
        throw .mismatch(what: "shape of \(name)", expected: "\(Array(rows))", actual: "\(given)")
      }
    }
    return axis
  }

  func rows(_ context: KernelContext) throws(KernelError) -> RowNormalization {
    let shape = try context.input(0).shape
    let axis = try context.normalized(axis, rank: shape.count)
    return RowNormalization(
      rows: shape[..<axis].reduce(1, *), length: shape[axis...].reduce(1, *), period: 1, step: 1,
      epsilon: Double(epsilon), centres: Self.centres)
  }
}
