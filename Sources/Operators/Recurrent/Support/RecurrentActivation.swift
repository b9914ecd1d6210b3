import GraphIR
import TensorCore

/// A function of a recurrent operator's gate or state, with its parameters (the list of activations of ONNX LSTM, GRU
/// and RNN).
package struct RecurrentActivation: Sendable, Hashable {
  package enum Function: String, Sendable, Hashable, CaseIterable {
    case affine = "Affine"
    case elu = "Elu"
    case hardSigmoid = "HardSigmoid"
    case leakyRelu = "LeakyRelu"
    case relu = "Relu"
    case scaledTanh = "ScaledTanh"
    case sigmoid = "Sigmoid"
    case softplus = "Softplus"
    case softsign = "Softsign"
    case tanh = "Tanh"
    case thresholdedRelu = "ThresholdedRelu"
  }

  package var function: Function
  /// 0 where the function takes none.
  package var alpha: Float
  /// 0 where the function takes none.
  package var beta: Float

  package init(_ function: Function, alpha: Float = 0, beta: Float = 0) {
    self.function = function
    self.alpha = alpha
    self.beta = beta
  }

  /// The functions with their parameters, which the lists hold in the order of the functions that take them; those that
  /// the lists are too short for have the defaults of the operators of their names.
  ///
  /// - Throws: ``OperatorError`` for an unknown function, and one without a parameter that has no default.
  static func list(_ names: [String], alphas: [Float], betas: [Float]) throws(OperatorError)
    -> [RecurrentActivation]
  {
    var (alphas, betas) = (alphas[...], betas[...])
    var result: [RecurrentActivation] = []
    for name in names {
      // onnxruntime takes the names in any case.
      guard
        let function = Function.allCases.first(where: {
          $0.rawValue.lowercased() == name.lowercased()
        })
      else {
        throw .attributeValue(
          name: "activations", value: name,
          allowed: Function.allCases.map(\.rawValue).joined(separator: ", "))
      }
      result.append(
        RecurrentActivation(
          function, alpha: try function.alpha.take("activation_alpha", from: &alphas),
          beta: try function.beta.take("activation_beta", from: &betas)))
    }
    return result
  }

  /// f(x).
  var formula: @Sendable (Float) -> Float {
    let (alpha, beta) = (alpha, beta)
    switch function {
    case .affine: return { alpha * $0 + beta }
    case .elu: return { $0 < 0 ? alpha * expm1($0) : $0 }
    case .hardSigmoid: return { Swift.min(Swift.max(alpha * $0 + beta, 0), 1) }
    case .leakyRelu: return { $0 < 0 ? alpha * $0 : $0 }
    case .relu: return { $0 < 0 ? 0 : $0 }
    case .scaledTanh: return { alpha * tanh(beta * $0) }
    case .sigmoid: return { 1 / (1 + exp(-$0)) }
    case .softplus: return { Swift.max($0, 0) + log1p(exp(-$0.magnitude)) }
    case .softsign: return { $0 / (1 + $0.magnitude) }
    case .tanh: return { tanh($0) }
    case .thresholdedRelu: return { $0 > alpha ? $0 : 0 }
    }
  }
}

extension RecurrentActivation.Function {
  /// A parameter of a function.
  enum Parameter: Sendable {
    case none
    case optional(default: Float)
    case required

    /// The parameter, taken from the list of its attribute where the function has one.
    ///
    /// - Throws: ``OperatorError/missingAttribute(name:)`` where the list has ended, and nothing else tells it.
    func take(_ name: String, from list: inout ArraySlice<Float>) throws(OperatorError) -> Float {
      switch self {
      case .none: return 0
      case .optional(let fallback): return list.popFirst() ?? fallback
      case .required:
        guard let value = list.popFirst() else { throw .missingAttribute(name: name) }
        return value
      }
    }

    var isTaken: Bool {
      if case .none = self { false } else { true }
    }
  }

  var alpha: Parameter {
    switch self {
    case .affine, .scaledTanh: .required
    case .elu, .thresholdedRelu: .optional(default: 1)
    case .hardSigmoid: .optional(default: 0.2)
    case .leakyRelu: .optional(default: 0.01)
    case .relu, .sigmoid, .softplus, .softsign, .tanh: .none
    }
  }

  var beta: Parameter {
    switch self {
    case .affine, .scaledTanh: .required
    case .hardSigmoid: .optional(default: 0.5)
    default: .none
    }
  }
}
