import Execution
import GraphIR
import TensorCore

/// Quantizes a tensor to uint8 by its own range (ONNX DynamicQuantizeLinear, opset 11).
///
/// `scale = (max(x, 0) - min(x, 0)) / 255`, 1 where that is 0; `zero = saturate(round(-min(x, 0) / scale))`.
/// Outputs: `saturate(round(x / scale) + zero)`, scale, zero point.
package struct DynamicQuantizeLinear: SerializableOperator, ExecutableOperator {
  package static let schema = OperatorSchema(
    "DynamicQuantizeLinear", since: 11, inputs: 1...1, outputs: 1...3, inputTypes: [[.float32]])

  package init() {}
  package init(attributes: AttributeReader) { self.init() }

  package func infer(_ inputs: [InputInfo?]) -> [TensorType?] {
    [
      TensorType(.uint8, inputs.dimensions(0)), TensorType(.float32, shape: []),
      TensorType(.uint8, shape: []),
    ]
  }
}

extension DynamicQuantizeLinear {
  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    let count = try context.floatInput(0).type.count
    let isWritten = (0..<3).map {
      context.outputs.indices.contains($0) && context.outputs[$0] != nil
    }
    guard let codec = IntegerCodec(.uint8) else {
      throw .operator(.unsupported(what: "DynamicQuantizeLinear"))
    }
    return ClosureKernel(context) { operands in
      let x = operands.input(0, as: Float.self)
      let range = DynamicRange(x, count: count, codec)
      let (scale, zero) = (range.scale, range.zero)
      if isWritten[0] {
        let y = operands.output(0, as: UInt8.self)
        for i in 0..<count { y[i] = UInt8(codec.code(x[i] / scale, zero: zero)) }
      }
      if isWritten[1] { operands.output(1, as: Float.self)[0] = scale }
      if isWritten[2] { operands.output(2, as: UInt8.self)[0] = UInt8(zero) }
    }
  }
}
