import Execution
import GraphIR
import TensorCore

/// Discrete Fourier transforms of overlapping frames of a signal, each weighed by a window (ONNX STFT, opset 17).
///
/// Inputs: signal as samples x length x parts (1 for real, 2 for complex), the step from frame to frame, the optional window
/// and the optional length of a frame, by default that of the window. Output: samples x frames x frequencies x 2, with
/// `onesided`, as by default, the first half of the frequencies alone.
package struct STFT: SerializableOperator, ExecutableOperator {
  package static let schema = OperatorSchema(
    "STFT", since: 17, inputs: 2...4, inputTypes: [.float, .index, .float, .index])

  package var isOneSided: Bool

  package init(attributes: AttributeReader) throws(OperatorError) {
    isOneSided = try attributes.bool("onesided", default: true)
  }

  package func attributes() -> [Attribute] { [Attribute("onesided", .int(isOneSided ? 1 : 0))] }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    guard let type = inputs.type(0) else { return [nil] }
    guard let dimensions = type.dimensions else { return [TensorType(type.elementType, nil)] }
    guard dimensions.count == 3 else {
      throw .rank(input: 0, expected: "3", actual: dimensions.count)
    }
    try DFT.checkParts(dimensions)
    let frame = try frame(inputs)
    var frames = Dimension.unknown
    if let step = try scalar(1, "frame_step", inputs), let frame, let length = dimensions[1].size {
      guard length >= frame else {
        throw .mismatch(
          what: "length of the signal", expected: "at least \(frame)", actual: "\(length)")
      }
      frames = .fixed((length - frame) / step + 1)
    }
    let bins = frame.map { Dimension.fixed(isOneSided ? $0 / 2 + 1 : $0) } ?? .unknown
    return [TensorType(type.elementType, [dimensions[0], frames, bins, .fixed(2)])]
  }

  private func scalar(_ index: Int, _ name: String, _ inputs: [InputInfo?])
    throws(OperatorError) -> Int?
  {
    guard inputs.isPresent(index), let given = try inputs.integers(index) else { return nil }
    guard given.count == 1, (1...Dimensions.limit).contains(given[0]) else {
      throw .mismatch(what: name, expected: "one size of at least 1", actual: "\(given)")
    }
    return given[0]
  }

  /// The length of a frame; `nil` where it isn't known.
  private func frame(_ inputs: [InputInfo?]) throws(OperatorError) -> Int? {
    let window = inputs.isPresent(2) ? inputs.dimensions(2)?.first?.size : nil
    guard window != 0 else {
      throw .outOfRange(what: "length of the window", value: 0, allowed: "1 or more")
    }
    guard inputs.isPresent(3) else {
      guard inputs.isPresent(2) else { throw .missingInput(index: 3, name: "frame_length") }
      return window
    }
    guard let frame = try scalar(3, "frame_length", inputs) else { return nil }
    if let window, window != frame {
      throw .mismatch(what: "length of the window", expected: "\(frame)", actual: "\(window)")
    }
    return frame
  }

  /// The step from frame to frame, and the length of one.
  private func geometry(_ inputs: [InputInfo?]) throws(OperatorError) -> (step: Int, frame: Int) {
    guard let step = try scalar(1, "frame_step", inputs), let frame = try frame(inputs) else {
      throw .needsConstant(input: "frame_step and frame_length")
    }
    return (step, frame)
  }

  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    let shape = try context.floatInput(0).shape
    let results = try context.output().shape
    let inputs = context.inferenceInputs
    let (step, frame) = try KernelError.operation(try geometry(inputs))
    let (samples, length, parts) = (shape[0], shape[1], shape[2])
    let (frames, bins) = (results[1], results[2])
    let hasWindow = inputs.isPresent(2)
    let transform = FourierTransform(length: frame)
    return ClosureKernel(context) { operands in
      nonisolated(unsafe) let x = operands.input(0, as: Float.self)
      nonisolated(unsafe) let window = hasWindow ? operands.input(2, as: Float.self) : nil
      nonisolated(unsafe) let y = operands.output(as: Float.self)
      Parallelism.forEachRange(count: samples * frames) { places in
        for place in places {
          let (sample, index) = place.quotientAndRemainder(dividingBy: frames)
          var values = [FourierTransform.Complex](repeating: .zero, count: frame)
          for k in 0..<frame {
            let weight = window.map { Double($0[k]) } ?? 1
            let source = (sample * length + index * step + k) * parts
            values[k].re = Double(x[source]) * weight
            if parts == 2 { values[k].im = Double(x[source + 1]) * weight }
          }
          transform.run(&values)
          for k in 0..<bins {
            y[(place * bins + k) * 2] = Float(values[k].re)
            y[(place * bins + k) * 2 + 1] = Float(values[k].im)
          }
        }
      }
    }
  }
}
