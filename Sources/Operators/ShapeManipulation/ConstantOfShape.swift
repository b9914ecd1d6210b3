import Execution
import GraphIR
import TensorCore

/// A tensor of the shape that its input lists, filled with one value (ONNX ConstantOfShape, opset 9, 20 to
/// 25).
///
/// `value` is a tensor of one element, which gives the type too; absent, it is the float 0.
package struct ConstantOfShape: SerializableOperator, ExecutableOperator {
  package static let schema = OperatorSchema(
    "ConstantOfShape", since: 9, inputs: 1...1, inputTypes: [.index])

  /// Of one element.
  package var value: Tensor

  package init(value: Tensor = Tensor([Float(0)], shape: [1])) { self.value = value }

  package init(attributes: AttributeReader) throws(OperatorError) {
    guard let value = try attributes.tensor("value") else {
      self.init()
      return
    }
    guard value.count == 1 else {
      throw .arity(what: "elements of the value", expected: 1...1, actual: value.count)
    }
    self.init(value: value)
  }

  package func attributes() -> [Attribute] { [Attribute("value", .tensor(value))] }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    guard let shape = try inputs.integers(0) else {
      if let elements = inputs.elements(0) {
        return [TensorType(value.elementType, elements.map(\.asDimension))]
      }
      let rank = inputs.dimensions(0)?.first?.size
      return [TensorType(value.elementType, rank.flatMap(Dimensions.unknown))]
    }
    for size in shape where size < 0 {
      throw .outOfRange(what: "dimension in the shape", value: size, allowed: "0 or more")
    }
    return [TensorType(value.elementType, shape: shape)]
  }
}

extension ConstantOfShape {
  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    let output = try context.output()
    let size = try KernelInput(type: output, layout: .rowMajor).elementBytes()
    let pattern = value.storage
    let count = output.count
    return ClosureKernel(context) { operands in
      let y = UnsafeMutableRawPointer(operands.output(as: UInt8.self))
      for index in 0..<count {
        (y + index * size).copyMemory(
          from: UnsafeRawPointer(pattern.bytes.baseAddress ?? UnsafeRawPointer(y)), byteCount: size)
      }
    }
  }
}

extension ConstantOfShape: DimensionArithmetic {
  package func elements(_ inputs: [InputInfo?]) -> [Dimension]? {
    guard let element = value.integers()?.first, let shape = inputs.elements(0), shape.count <= 1
    else { return nil }
    let count = shape.isEmpty ? 1 : shape[0].size
    return count.flatMap { Dimension.repeated([.fixed(element)], count: $0) }
  }
}
