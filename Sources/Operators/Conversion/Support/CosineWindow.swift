import Execution
import GraphIR
import TensorCore

/// A window of a given size, which weighs the samples of a signal by a sum of cosines: element i of n is the sum of
/// `c_k cos(2 pi k i / N)`, with N = n where `isPeriodic`, else n - 1.
package protocol CosineWindow: SerializableOperator, ExecutableOperator {
  /// c_0, c_1 and so on.
  static var coefficients: [Double] { get }
  var elementType: ElementType { get }
  var isPeriodic: Bool { get }
  init(elementType: ElementType, isPeriodic: Bool)
}

extension CosineWindow {
  package init(attributes: AttributeReader) throws(OperatorError) {
    let code = try attributes.int("output_datatype", default: 1)
    guard let type = Int32(exactly: code).flatMap(ElementType.init(rawValue:)),
      ElementCodec(type) != nil
    else {
      throw .attributeValue(name: "output_datatype", value: "\(code)", allowed: "a type of numbers")
    }
    self.init(elementType: type, isPeriodic: try attributes.bool("periodic", default: true))
  }

  package func attributes() -> [Attribute] {
    [
      Attribute("output_datatype", .int(Int64(elementType.rawValue))),
      Attribute("periodic", .int(isPeriodic ? 1 : 0)),
    ]
  }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    guard let size = try inputs.integers(0) else { return [TensorType(elementType, [.unknown])] }
    guard size.count == 1, (0...Dimensions.limit).contains(size[0]) else {
      throw .mismatch(what: "size of a window", expected: "0 or more", actual: "\(size)")
    }
    return [TensorType(elementType, [.fixed(size[0])])]
  }

  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    let count = try context.output().count
    guard let codec = ElementCodec(elementType) else {
      throw .operator(.unsupported(what: "element type \(elementType.onnxName)"))
    }
    let period = Double(max(isPeriodic ? count : count - 1, 1))
    return ClosureKernel(context) { operands in
      let y = operands.output(as: UInt8.self)
      for i in 0..<count {
        var sum = 0.0
        for (k, coefficient) in Self.coefficients.enumerated() {
          sum += coefficient * cos(2 * Double.pi * Double(k * i) / period)
        }
        codec.store(.real(sum), y, i)
      }
    }
  }
}
