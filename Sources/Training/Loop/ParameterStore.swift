import Execution
import GraphIR
import Quantization
import TensorCore

/// The parameters of a model in one flat buffer, trained ones first and running statistics last, and the gradients of
/// the trained ones in another.
final class ParameterStore {
  /// The trained parameters' places in the flat buffer.
  let segments: [ParameterSegment]
  let memory: [ValueID: ParameterMemory]
  private let buffer: ScratchBuffer<Float>
  private let gradientBuffer: ScratchBuffer<Float>
  private let trainedCount: Int

  init(_ parameters: [TrainableParameter]) {
    let trained = parameters.filter(\.kind.hasGradient)
    let kept = parameters.filter { !$0.kind.hasGradient }
    trainedCount = trained.reduce(0) { $0 + $1.initial.count }
    buffer = ScratchBuffer(count: kept.reduce(trainedCount) { $0 + $1.initial.count }, repeating: 0)
    gradientBuffer = ScratchBuffer(count: trainedCount, repeating: 0)
    var segments: [ParameterSegment] = []
    var memory: [ValueID: ParameterMemory] = [:]
    var start = 0
    for parameter in trained + kept {
      let count = parameter.initial.count
      defer { start += count }
      guard let values = buffer.elements.baseAddress else { continue }
      parameter.initial.withElements(of: Float.self) {
        guard let source = $0.baseAddress else { return }
        (values + start).update(from: source, count: count)
      }
      let hasGradient = parameter.kind.hasGradient
      memory[parameter.value] = ParameterMemory(
        shape: parameter.initial.shape, values: values + start,
        gradient: hasGradient ? gradientBuffer.elements.baseAddress.map { $0 + start } : nil)
      if hasGradient {
        segments.append(
          ParameterSegment(
            name: parameter.name, range: start..<start + count, decays: parameter.kind.decays))
      }
    }
    self.segments = segments
    self.memory = memory
  }

  /// The values of all parameters, running statistics last.
  var all: UnsafeMutableBufferPointer<Float> { buffer.elements }
  /// The values of the trained parameters.
  var trained: UnsafeMutableBufferPointer<Float> {
    UnsafeMutableBufferPointer(rebasing: buffer.elements[..<trainedCount])
  }
  var gradients: UnsafeMutableBufferPointer<Float> { gradientBuffer.elements }

  /// A copy of a parameter's current value.
  func tensor(_ value: ValueID) -> Tensor {
    guard let place = memory[value] else { preconditionFailure("not a parameter") }
    let count = place.shape.reduce(1, *)
    return Tensor(Array(UnsafeBufferPointer(start: place.values, count: count)), shape: place.shape)
  }
}
