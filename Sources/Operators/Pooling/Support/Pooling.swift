import Execution
import GraphIR
import TensorCore

/// A reduction over a window that slides over each channel.
protocol Pooling: SerializableOperator, ExecutableOperator {
  var window: SlidingWindow { get }
  var roundsUp: Bool { get }
}

extension Pooling {
  /// The window, whose kernel shape is required.
  func resolvedWindow() throws(OperatorError) -> ResolvedWindow {
    guard let kernel = window.kernelShape else { throw .missingAttribute(name: "kernel_shape") }
    return try window.resolved(kernel: kernel)
  }

  func inferPooled(_ inputs: [InputInfo?]) throws(OperatorError) -> TensorType? {
    guard let type = inputs.type(0) else { return nil }
    let window = try resolvedWindow()
    guard let x = type.dimensions else { return TensorType(type.elementType, nil) }
    guard x.count == window.kernel.count + 2 else {
      throw .rank(input: 0, expected: "\(window.kernel.count + 2)", actual: x.count)
    }
    var result = Array(x[..<2])
    for axis in window.kernel.indices {
      result.append(try window.outputDimension(axis, of: x[axis + 2], roundingUp: roundsUp))
    }
    return TensorType(type.elementType, result)
  }
}

extension Array<InputInfo?> {
  /// The type of the first input `[N, C, spatial...]` with every spatial dimension pooled to 1.
  func pooledGlobally() throws(OperatorError) -> TensorType? {
    guard let type = type(0) else { return nil }
    _ = try requireRank(0, atLeast: 2)
    guard let x = type.dimensions else { return type }
    let ones = [Dimension](repeating: 1, count: x.count - 2)
    return TensorType(type.elementType, Array<Dimension>(x[..<2]) + ones)
  }
}
