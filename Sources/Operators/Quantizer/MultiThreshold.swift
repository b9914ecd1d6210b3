import Execution
import GraphIR
import TensorCore

/// `y = out_scale * (number of thresholds t with x >= t) + out_bias` (QONNX MultiThreshold, version 1).
///
/// Inputs: X `[N, C, ...]`, thresholds `[C or 1, levels]`, rising along each channel.
package struct MultiThreshold: SerializableOperator, ExecutableOperator {
  package static let schema = OperatorSchema(
    domain: "qonnx.custom_op.general", "MultiThreshold", since: 1, inputs: 2...2,
    inputTypes: [.float])

  package var outputScale: Float
  package var outputBias: Float
  /// The QONNX data type of the count with the bias in steps.
  package var outputType: String
  /// NCHW or NC.
  package var layout: String

  package init(outputScale: Float, outputBias: Float, outputType: String, layout: String) {
    self.outputScale = outputScale
    self.outputBias = outputBias
    self.outputType = outputType
    self.layout = layout
  }

  package init(attributes: AttributeReader) throws(OperatorError) {
    outputScale = try attributes.float("out_scale", default: 1)
    outputBias = try attributes.float("out_bias", default: 0)
    guard let type = try attributes.string("out_dtype") else {
      throw .missingAttribute(name: "out_dtype")
    }
    outputType = type
    layout = try attributes.string("data_layout", default: "")
    guard layout.isEmpty || layout.hasPrefix("NC") else {
      throw .attributeValue(name: "data_layout", value: layout, allowed: "channels after the batch")
    }
  }

  package func attributes() -> [Attribute] {
    var result = [
      Attribute("out_bias", .float(outputBias)), Attribute("out_dtype", .string(outputType)),
      Attribute("out_scale", .float(outputScale)),
    ]
    if !layout.isEmpty { result.insert(Attribute("data_layout", .string(layout)), at: 0) }
    return result
  }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    let rank = try inputs.requireRank(0, atLeast: 2)
    if let thresholds = inputs.dimensions(1) {
      guard thresholds.count == 2 else {
        throw .rank(input: 1, expected: "2", actual: thresholds.count)
      }
      if rank != nil, let rows = thresholds[0].size, rows != 1,
        let channels = inputs.dimensions(0)?[1].size, rows != channels
      {
        throw .mismatch(what: "rows of thresholds", expected: "1 or \(channels)", actual: "\(rows)")
      }
    }
    return [inputs.type(0)]
  }
}

extension MultiThreshold {
  /// A binary search an element, in row-major order.
  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    let x = try context.floatInput(0).shape
    let table = try context.floatInput(1).shape
    let (channels, inner) = (x[1], x[2...].reduce(1, *))
    let levels = table[1]
    let step = table[0] == 1 ? 0 : levels
    return ClosureKernel(context, overwritableInput: 0) { operands in
      let x = operands.input(0, as: Float.self)
      let thresholds = operands.input(1, as: Float.self)
      let y = operands.output(as: Float.self)
      Parallelism.forEachRange(count: context.inputs[0]?.shape[0] ?? 0, sharing: x, thresholds, y) {
        samples, x, thresholds, y in
        for row in samples.lowerBound * channels..<samples.upperBound * channels {
          let own = thresholds + row % channels * step
          for index in row * inner..<(row + 1) * inner {
            var (low, high) = (0, levels)
            while low < high {
              let middle = (low + high) / 2
              if x[index] >= own[middle] { low = middle + 1 } else { high = middle }
            }
            y[index] = outputScale * Float(low) + outputBias
          }
        }
      }
    }
  }
}
