import Execution
import GraphIR
import TensorCore

/// Integers that lose their low bits (QONNX Trunc, version 1, 2).
///
/// With `q = round(x / scale + zeropt)`: version 1 gives `round_mode(q / t) - zeropt` times scale, with
/// `t = 2^(input bits - output bits)`; version 2 gives `round_mode(clip(q / t)) - zeropt / t` times the output
/// scale, with `t` the power of two next to output scale / scale and the limits those of the output's bits.
/// Inputs: X, scale, zeropt, input bits, in version 2 the output scale, output bits.
package struct Trunc: SerializableOperator, ExecutableOperator, QonnxOperator {
  package static let schema = OperatorSchema(
    domain: QonnxDomain.current, "Trunc", since: 1, inputs: 5...6,
    inputTypes: [.float, .float, .numeric])

  package var roundsValues: Bool { true }

  package var rounding: RoundingMode
  package var isSigned: Bool
  package var isNarrow: Bool
  package var domain = QonnxDomain.current

  package init(attributes: AttributeReader) throws(OperatorError) {
    let name = try attributes.string("rounding_mode", default: RoundingMode.floor.rawValue)
    guard let rounding = RoundingMode(rawValue: name.uppercased()) else {
      throw .attributeValue(
        name: "rounding_mode", value: name,
        allowed: RoundingMode.allCases.map(\.rawValue).joined(separator: ", "))
    }
    self.rounding = rounding
    isSigned = try attributes.bool("signed", default: true)
    isNarrow = try attributes.bool("narrow", default: false)
  }

  package func attributes() -> [Attribute] {
    var result = [Attribute("rounding_mode", .string(rounding.rawValue))]
    if isNarrow { result.append(Attribute("narrow", .int(1))) }
    if !isSigned { result.append(Attribute("signed", .int(0))) }
    return result
  }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    for index in inputs.indices.dropFirst() {
      guard let shape = inputs.type(index)?.shape, Shape.elementCount(shape) != 1 else { continue }
      throw .unsupported(what: "Trunc with a parameter for each channel")
    }
    return [inputs.type(0)]
  }
}

extension Trunc {
  /// A loop over row-major memory; parameters must be constant.
  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    let count = try context.floatInput(0).type.count
    var parameters: [Float] = []
    for index in context.inputs.indices.dropFirst() {
      guard let constant = try context.input(index).constant else {
        throw .operator(.needsConstant(input: "\(index)"))
      }
      parameters.append(constant.convertedToFloat()?.elements(of: Float.self).first ?? .nan)
    }
    let step = try step(parameters)
    return ClosureKernel(context, overwritableInput: 0) { operands in
      let (x, y) = (operands.input(0, as: Float.self), operands.output(as: Float.self))
      for i in 0..<count { y[i] = step(x[i]) }
    }
  }

  /// The function of one element.
  private func step(_ parameters: [Float]) throws(KernelError) -> (Float) -> Float {
    let (scale, zero, rounding) = (parameters[0], parameters[1], rounding)
    guard parameters.count > 4 else {
      let divisor = Float(1).scaled(parameters[2] - parameters[3])
      return { x in
        let code = (x / scale + zero).rounded(.toNearestOrEven)
        return (rounding.apply(code / divisor) - zero) * scale
      }
    }
    let bits = try KernelError.operation(try Quant.bitWidth(Tensor(scalar: parameters[4])))
    let limits = Quant(isSigned: isSigned, isNarrow: isNarrow).limits(bits: bits)
    let (low, high) = (Float(limits.lowerBound), Float(limits.upperBound))
    let target = parameters[3]
    let ratio = target / scale
    // The nearest power of two, by its logarithm: the significand's logarithm is a half at the root of 2.
    let isUpper = ratio.isFinite && ratio.significand > Float(2).squareRoot()
    let divisor = Float(1).scaled(Float(ratio.isFinite ? ratio.exponent : 2000) + (isUpper ? 1 : 0))
    return { x in
      let code = (x / scale + zero).rounded(.toNearestOrEven) / divisor
      return (rounding.apply(min(max(code, low), high)) - zero / divisor) * target
    }
  }
}

extension Float {
  /// `self * 2^exponent`, NaN where the exponent is no number.
  fileprivate func scaled(_ exponent: Float) -> Float {
    guard exponent.magnitude < 1024 else { return .nan }
    return Float(sign: .plus, exponent: Int(exponent), significand: self)
  }
}
