import Execution
import GraphIR

/// A normalisation by statistics of all axes from `axis` on, with the attributes that the standard gives those.
protocol TrailingNormalization: SerializableOperator, ExecutableOperator {
  var axis: Int { get }
  var epsilon: Float { get }
  /// The type of the statistics; sums are in double precision whatever it says.
  var stashType: Int { get }

  init(axis: Int, epsilon: Float, stashType: Int)
}

extension TrailingNormalization {
  package var normalizes: Bool { true }

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
}
