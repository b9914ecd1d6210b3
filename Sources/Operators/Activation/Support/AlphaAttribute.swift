import GraphIR
import TensorCore

/// An operator whose one attribute is `alpha`.
protocol AlphaAttribute: SerializableOperator {
  /// Its value where the file doesn't give it.
  static var defaultAlpha: Float { get }

  var alpha: Float { get }

  init(alpha: Float)
}

extension AlphaAttribute {
  static var defaultAlpha: Float { 1 }

  package init(attributes: AttributeReader) throws(OperatorError) {
    self.init(alpha: try attributes.float("alpha", default: Self.defaultAlpha))
  }

  package func attributes() -> [Attribute] { [Attribute("alpha", .float(alpha))] }
}
