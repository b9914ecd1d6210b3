import GraphIR
import TensorCore

/// The attributes that ONNX LSTM, GRU and RNN have in common.
package struct RecurrentSettings: Sendable, Hashable {
  package enum Direction: String, Sendable, Hashable, CaseIterable {
    case forward
    case reverse
    case bidirectional

    /// For each direction in turn whether it begins at the end.
    package var reversals: [Bool] {
      switch self {
      case .forward: [false]
      case .reverse: [true]
      case .bidirectional: [false, true]
      }
    }
  }

  package var direction: Direction
  /// The size of the state as the attribute states it; `nil` where the weights alone tell.
  package var hiddenSize: Int?
  /// Whether samples come before steps (layout 1).
  package var isBatchFirst: Bool
  /// The bound of gates before their function; `nil` for none.
  package var clip: Float?
  /// The functions of each direction.
  package var activations: [[RecurrentActivation]]

  /// - Parameter defaults: the functions where none are named.
  package init(
    direction: Direction = .forward, hiddenSize: Int? = nil, isBatchFirst: Bool = false,
    clip: Float? = nil, defaults: [RecurrentActivation]
  ) {
    self.direction = direction
    self.hiddenSize = hiddenSize
    self.isBatchFirst = isBatchFirst
    self.clip = clip
    activations = direction.reversals.map { _ in defaults }
  }

  init(attributes: AttributeReader, defaults: [RecurrentActivation]) throws(OperatorError) {
    let name = try attributes.string("direction", default: Direction.forward.rawValue)
    guard let direction = Direction(rawValue: name) else {
      throw .attributeValue(
        name: "direction", value: name,
        allowed: Direction.allCases.map(\.rawValue).joined(separator: ", "))
    }
    let layout = attributes.opset < 14 ? 0 : try attributes.int("layout", default: 0)
    guard layout == 0 || layout == 1 else {
      throw .attributeValue(name: "layout", value: "\(layout)", allowed: "0 or 1")
    }
    self.init(
      direction: direction, hiddenSize: try attributes.int("hidden_size"),
      isBatchFirst: layout == 1, clip: try attributes.float("clip"), defaults: defaults)
    if let clip, !(clip >= 0) {
      throw .attributeValue(name: "clip", value: "\(clip)", allowed: "0 or more")
    }
    guard case .strings(let names)? = attributes["activations"], !names.isEmpty else { return }
    let count = defaults.count * direction.reversals.count
    guard names.count == count else {
      throw .mismatch(
        what: "number of activations", expected: "\(count)", actual: "\(names.count)")
    }
    let list = try RecurrentActivation.list(
      names.map { String(decoding: $0, as: UTF8.self) },
      alphas: try attributes.floats("activation_alpha") ?? [],
      betas: try attributes.floats("activation_beta") ?? [])
    activations = direction.reversals.indices.map {
      Array(list[$0 * defaults.count..<($0 + 1) * defaults.count])
    }
  }

  /// Everything stated, functions and their parameters too.
  func attributes() -> [Attribute] {
    let list = activations.joined()
    var result = [
      Attribute("activations", .strings(list.map { Array($0.function.rawValue.utf8) })),
      Attribute("direction", .string(direction.rawValue)),
    ]
    let alphas = list.filter { $0.function.alpha.isTaken }.map(\.alpha)
    let betas = list.filter { $0.function.beta.isTaken }.map(\.beta)
    if !alphas.isEmpty { result.append(Attribute("activation_alpha", .floats(alphas))) }
    if !betas.isEmpty { result.append(Attribute("activation_beta", .floats(betas))) }
    if let clip { result.append(Attribute("clip", .float(clip))) }
    if let hiddenSize { result.append(Attribute("hidden_size", .int(Int64(hiddenSize)))) }
    // The attribute is new in opset 14, before which there is one layout.
    if isBatchFirst { result.append(Attribute("layout", .int(1))) }
    return result
  }
}
