import Execution
import GraphIR
import TensorCore

/// `y = scale` where `x >= 0`, else `-scale` (QONNX BipolarQuant, version 1).
///
/// Inputs: X, and a scale that broadcasts to it.
package struct BipolarQuant: SerializableOperator, ExecutableOperator, QonnxOperator {
  package static let schema = OperatorSchema(
    domain: QonnxDomain.current, "BipolarQuant", since: 1, inputs: 2...2, inputTypes: [.float])

  package var roundsValues: Bool { true }

  package var domain = QonnxDomain.current

  package init() {}
  package init(attributes: AttributeReader) { self.init() }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    if let x = inputs.dimensions(0), let scale = inputs.dimensions(1) {
      let joined = try Dimensions.broadcast(x, scale)
      guard joined.count == x.count else {
        throw .rank(input: 1, expected: "at most \(x.count)", actual: scale.count)
      }
      for (size, own) in zip(joined, x) {
        if let size = size.size, let own = own.size, size != own {
          throw .mismatch(
            what: "dimension of the scale", expected: "1 or \(own)", actual: "\(size)")
        }
      }
    }
    return [inputs.type(0)]
  }
}

extension BipolarQuant {
  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    let x = try context.floatInput(0)
    let rows = BroadcastRows(x.shape, try context.floatInput(1).shape, output: x.shape)
    return ClosureKernel(context, overwritableInput: 0) { operands in
      let (x, s) = (operands.input(0, as: Float.self), operands.input(1, as: Float.self))
      let y = operands.output(as: Float.self)
      rows.forEach(0..<rows.count) { _, at, from in
        for i in 0..<rows.length {
          let scale = s[from + i * rows.stepB]
          y[at + i] = x[at + i] >= 0 ? scale : -scale
        }
      }
    }
  }
}
