import Execution
import GraphIR
import TensorCore

/// A matrix of the input's shape with ones on a diagonal, zeros elsewhere (ONNX EyeLike, opset 9, 22).
///
/// `k` names the diagonal: 0 is the main one, positive ones lie above it. `dtype` is the element type, that
/// of the input where absent.
package struct EyeLike: SerializableOperator, ExecutableOperator {
  package static let schema = OperatorSchema("EyeLike", since: 9, inputs: 1...1)

  package var diagonal: Int
  package var elementType: ElementType?

  package init(diagonal: Int = 0, elementType: ElementType? = nil) {
    self.diagonal = diagonal
    self.elementType = elementType
  }

  package init(attributes: AttributeReader) throws(OperatorError) {
    diagonal = try attributes.int("k", default: 0)
    guard let code = try attributes.int("dtype") else { return }
    guard let type = Int32(exactly: code).flatMap(ElementType.init(rawValue:)),
      ElementCodec(type) != nil
    else {
      throw .attributeValue(name: "dtype", value: "\(code)", allowed: "a type of numbers")
    }
    elementType = type
  }

  package func attributes() -> [Attribute] {
    var result = [Attribute("k", .int(Int64(diagonal)))]
    if let elementType { result.append(Attribute("dtype", .int(Int64(elementType.rawValue)))) }
    return result
  }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    guard let type = elementType ?? inputs.type(0)?.elementType else { return [nil] }
    if let rank = inputs.dimensions(0)?.count, rank != 2 {
      throw .rank(input: 0, expected: "2", actual: rank)
    }
    return [TensorType(type, inputs.dimensions(0))]
  }
}

extension EyeLike {
  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    let output = try context.output()
    let size = try KernelInput(type: output, layout: .rowMajor).elementBytes()
    guard let codec = ElementCodec(output.elementType) else {
      throw .operator(.unsupported(what: "element type \(output.elementType.onnxName)"))
    }
    let (rows, columns) = (output.shape[0], output.shape[1])
    let k = min(max(diagonal, -rows), columns)
    return ClosureKernel(context) { operands in
      let y = operands.output(as: UInt8.self)
      y.update(repeating: 0, count: rows * columns * size)
      for row in 0..<rows where (0..<columns).contains(row + k) {
        codec.store(.integer(1), y, row * columns + row + k)
      }
    }
  }
}
