import DNNEngine
import GraphIR
import TensorCore

/// Pooling by plain loops in row-major order, for the corners that oneDNN reads otherwise: windows that
/// lie in the padding, dilated means, and counted padding with a rounded-up number of positions.
struct PoolingFallback: Sendable {
  private let function: PoolingFunction
  private let window: ResolvedWindow
  private let geometry: ConvolutionGeometry
  private let input: [Int]
  private let output: [Int]
  /// Pads of the attribute, which a counted window may not exceed.
  private let padEnd: [Int]

  init(
    _ function: PoolingFunction, _ window: ResolvedWindow, _ geometry: ConvolutionGeometry,
    _ input: KernelInput, _ output: ConcreteType
  ) throws(KernelError) {
    guard input.elementType == .float32 else {
      throw .operator(.unsupported(what: "such pooling of \(input.elementType.onnxName)"))
    }
    self.function = function
    self.window = window
    self.geometry = geometry
    self.input = Array(input.shape[2...])
    self.output = Array(output.shape[2...])
    padEnd = window.kernel.indices.map { window.padding($0, size: input.shape[$0 + 2]).end }
  }

  func kernel(_ context: KernelContext) -> any Kernel {
    let planes = context.inputs[0].map { $0.shape[0] * $0.shape[1] } ?? 0
    let (inputSize, outputSize) = (input.reduce(1, *), output.reduce(1, *))
    return ClosureKernel(context) { operands in
      nonisolated(unsafe) let x = operands.input(0, as: Float.self)
      nonisolated(unsafe) let y = operands.output(as: Float.self)
      Parallelism.forEachRange(count: planes) {
        for plane in $0 { pool(x + plane * inputSize, y + plane * outputSize) }
      }
    }
  }

  private func pool(_ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>) {
    for index in 0..<output.reduce(1, *) {
      let position = coordinates(index, in: output)
      var maximum = -Float.infinity
      var sum: Float = 0
      var counted = 0
      for tap in 0..<window.kernel.reduce(1, *) {
        let offsets = coordinates(tap, in: window.kernel)
        var source = 0
        var isInside = true
        var isPadded = true
        for axis in input.indices {
          let place =
            position[axis] * window.strides[axis] + offsets[axis] * window.dilations[axis]
            - geometry.padBegin[axis]
          isInside = isInside && place >= 0 && place < input[axis]
          isPadded = isPadded && place < input[axis] + padEnd[axis]
          source = source * input[axis] + place
        }
        if isInside {
          maximum = max(maximum, x[source])
          sum += x[source]
        }
        if isInside || function == .averageIncludingPadding && isPadded { counted += 1 }
      }
      y[index] = function == .maximum ? maximum : counted > 0 ? sum / Float(counted) : 0
    }
  }

  private func coordinates(_ index: Int, in shape: [Int]) -> [Int] {
    var rest = index
    var result = shape
    for axis in shape.indices.reversed() {
      result[axis] = rest % shape[axis]
      rest /= shape[axis]
    }
    return result
  }
}
