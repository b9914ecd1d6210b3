import Execution
import GraphIR
import TensorCore

/// A layer of long short-term memory with weights of 8 bits and operands that are quantized as it runs (onnxruntime's
/// DynamicQuantizeLSTM, ContribOperators.md).
///
/// What ``LSTM`` computes, whose first eight inputs it has; W `[directions, input, 4 hidden]` and R
/// `[directions, hidden, 4 hidden]` are codes, with a scale and a zero point for each direction, or for each column of
/// one, as the last four inputs: of W, then of R.
package struct DynamicQuantizeLSTM: SerializableOperator, ExecutableOperator {
  package static let schema = OperatorSchema(
    domain: MicrosoftDomain.name, "DynamicQuantizeLSTM", since: 1, inputs: 3...12, outputs: 0...3,
    inputTypes: [
      .float, [.int8, .uint8], [.int8, .uint8], .float, [.int32], .float, .float, .float, .float,
      [.int8, .uint8], .float, [.int8, .uint8],
    ])

  private let lstm: LSTM

  package init(attributes: AttributeReader) throws(OperatorError) {
    lstm = try LSTM(attributes: attributes)
  }

  package func attributes() -> [Attribute] { lstm.attributes() }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    try RecurrentShape.infer(inputs, lstm.settings, states: lstm.stateCount, weights: .columns)
  }

  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    try lstm.makeKernel(context, weights: .columns)
  }
}
