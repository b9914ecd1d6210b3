import Execution
import GraphIR
import TensorCore

/// `(sum |x|^p)^(1/p)` over windows of each channel, by plain loops in row-major order; positions in the padding count
/// nothing.
struct LpWindows: Sendable {
  private let p: Double
  private let window: ResolvedWindow
  /// Samples times channels.
  private let planes: Int
  private let input: [Int]
  private let output: [Int]
  private let begins: [Int]

  /// - Parameters:
  ///   - input, output: shapes as samples x channels x spatial axes.
  /// - Throws: ``OperatorError/outOfRange(what:value:allowed:)`` for more elements of a window than can be counted.
  init(p: Int, _ window: ResolvedWindow, input: [Int], output: [Int]) throws(KernelError) {
    guard Shape.elementCount(window.kernel) != nil else {
      throw .operator(
        .outOfRange(what: "elements of kernel_shape", value: .max, allowed: "fewer"))
    }
    self.p = Double(p)
    self.window = window
    planes = input[0] * input[1]
    self.input = Array(input[2...])
    self.output = Array(output[2...])
    begins = window.kernel.indices.map { window.padding($0, size: input[$0 + 2]).begin }
  }

  private var inputSize: Int { input.reduce(1, *) }
  private var outputSize: Int { output.reduce(1, *) }

  func kernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    _ = try context.floatInput(0)
    return ClosureKernel(context) { operands in
      nonisolated(unsafe) let x = operands.input(0, as: Float.self)
      nonisolated(unsafe) let y = operands.output(as: Float.self)
      Parallelism.forEachRange(count: planes) {
        for plane in $0 {
          let source = x + plane * inputSize
          for index in 0..<outputSize {
            var sum = 0.0
            forEachElement(of: index) { sum += power(Double(source[$0].magnitude), p) }
            y[plane * outputSize + index] = Float(power(sum, 1 / p))
          }
        }
      }
    }
  }

  /// dX sums dY sign(x) (|x| / y)^(p - 1) over the windows of an element.
  func trainingKernel(_ context: FormContext) throws(KernelError) -> any TrainingKernel {
    let forward = try kernel(context.kernel)
    return InferredTrainingKernel("power pooling", forward, preferred: .rowMajor) { _ in
      Backward(
        "power pooling gradient",
        operands: [.input(0, .rowMajor), .output(0), .gradient(0, .rowMajor)],
        results: [Backward.Result(input: 0, layout: .rowMajor)]
      ) { operands in
        nonisolated(unsafe) let (x, y) = (
          operands.input(0, as: Float.self), operands.input(1, as: Float.self)
        )
        nonisolated(unsafe) let dy = operands.input(2, as: Float.self)
        nonisolated(unsafe) let dx = operands.output(as: Float.self)
        Parallelism.forEachRange(count: planes) {
          for plane in $0 {
            let (source, target) = (x + plane * inputSize, dx + plane * inputSize)
            target.update(repeating: 0, count: inputSize)
            for index in plane * outputSize..<(plane + 1) * outputSize where y[index] > 0 {
              forEachElement(of: index - plane * outputSize) {
                let share = power(Double(source[$0].magnitude / y[index]), p - 1)
                target[$0] += dy[index] * Float(source[$0] < 0 ? -share : share)
              }
            }
          }
        }
      }
    }
  }

  private func power(_ x: Double, _ exponent: Double) -> Double {
    exponent == 1 ? x : exponent == 2 ? x * x : exponent == 0.5 ? x.squareRoot() : pow(x, exponent)
  }

  /// Calls `body` with each position of a plane that a window covers.
  private func forEachElement(of index: Int, _ body: (Int) -> Void) {
    var corner = [Int](repeating: 0, count: output.count)
    var rest = index
    for axis in output.indices.reversed() {
      let (quotient, position) = rest.quotientAndRemainder(dividingBy: output[axis])
      corner[axis] = position * window.strides[axis] - begins[axis]
      rest = quotient
    }
    for tap in 0..<window.kernel.reduce(1, *) {
      var (rest, place, stride, isInside) = (tap, 0, 1, true)
      for axis in output.indices.reversed() {
        let (quotient, step) = rest.quotientAndRemainder(dividingBy: window.kernel[axis])
        let position = corner[axis] + step * window.dilations[axis]
        isInside = isInside && (0..<input[axis]).contains(position)
        place += position * stride
        stride *= input[axis]
        rest = quotient
      }
      if isInside { body(place) }
    }
  }
}
