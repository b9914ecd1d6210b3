import Execution
import GraphIR
import TensorCore

/// The first elements of each sequence in reverse, as many as the second input says of it, and then the rest as they
/// stand (ONNX ReverseSequence, opset 10).
package struct ReverseSequence: SerializableOperator, ExecutableOperator {
  package static let schema = OperatorSchema(
    "ReverseSequence", since: 10, inputs: 2...2, inputTypes: [.any, .index])

  package var movement: ElementMovement? { ElementMovement(.permuted) }

  /// 0 and 1, in either order.
  package var timeAxis: Int
  package var batchAxis: Int

  package init(timeAxis: Int = 0, batchAxis: Int = 1) {
    self.timeAxis = timeAxis
    self.batchAxis = batchAxis
  }

  package init(attributes: AttributeReader) throws(OperatorError) {
    self.init(
      timeAxis: try attributes.int("time_axis", default: 0),
      batchAxis: try attributes.int("batch_axis", default: 1))
    guard Set([timeAxis, batchAxis]) == [0, 1] else {
      throw .attributeValue(
        name: "time_axis and batch_axis", value: "\(timeAxis) and \(batchAxis)",
        allowed: "0 and 1, 1 and 0")
    }
  }

  package func attributes() -> [Attribute] {
    [
      Attribute("batch_axis", .int(Int64(batchAxis))),
      Attribute("time_axis", .int(Int64(timeAxis))),
    ]
  }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    _ = try inputs.requireRank(0, atLeast: 2)
    try inputs.requireVector(1, "lengths", count: inputs.dimensions(0)?[batchAxis])
    return [inputs.type(0)]
  }
}

extension ReverseSequence: DifferentiableOperator {
  /// A copy of what lies behind the two axes, for each pair of positions on them.
  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    let reversal = try Reversal(self, context)
    return ClosureKernel(context) { (operands) throws(KernelError) in
      try reversal.run(operands.input(0), operands.input(1), into: operands.output())
    }
  }

  /// dX is dY reversed the same way.
  package func makeTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  {
    let kernel = try makeKernel(context.kernel)
    let reversal = try Reversal(self, context.kernel)
    return InferredTrainingKernel("reversal", kernel, preferred: .rowMajor) { _ in
      Backward(
        "reversal gradient", operands: [.gradient(0, .rowMajor), .input(1, .rowMajor)],
        results: [Backward.Result(input: 0, layout: .rowMajor)]
      ) { (operands) throws(KernelError) in
        try reversal.run(operands.input(0), operands.input(1), into: operands.output())
      }
    }
  }

  private struct Reversal: Sendable {
    let (times, samples): (Int, Int)
    let isTimeFirst: Bool
    let bytes: Int

    init(_ op: ReverseSequence, _ context: KernelContext) throws(KernelError) {
      let input = try context.input(0)
      (times, samples) = (input.shape[op.timeAxis], input.shape[op.batchAxis])
      isTimeFirst = op.timeAxis == 0
      bytes = input.shape[2...].reduce(try input.elementBytes(), *)
    }

    /// - Throws: ``OperatorError/outOfRange(what:value:allowed:)`` for a length beyond the axis.
    func run(
      _ x: UnsafePointer<UInt8>, _ lengths: UnsafePointer<Int64>,
      into y: UnsafeMutablePointer<UInt8>
    ) throws(KernelError) {
      func place(_ time: Int, _ sample: Int) -> Int {
        (isTimeFirst ? time * samples + sample : sample * times + time) * bytes
      }
      for sample in 0..<samples {
        guard (0...Int64(times)).contains(lengths[sample]) else {
          throw .operator(
            .outOfRange(
              what: "length of a sequence", value: Int(lengths[sample]), allowed: "0 to \(times)"))
        }
        let length = Int(lengths[sample])
        for time in 0..<times {
          let source = time < length ? length - 1 - time : time
          (y + place(time, sample)).update(from: x + place(source, sample), count: bytes)
        }
      }
    }
  }
}
