import DNNEngine
import Execution
import GraphIR
import TensorCore

/// Pooling by plain loops in row-major order, for the corners that oneDNN reads otherwise: windows that
/// lie in the padding, dilated means, counted padding with a rounded-up number of positions, the positions of
/// maxima, and doubles.
struct PoolingFallback: Sendable {
  private let function: PoolingFunction
  private let window: ResolvedWindow
  private let geometry: ConvolutionGeometry
  /// Samples times channels.
  private let planes: Int
  private let input: [Int]
  private let output: [Int]
  /// Pads of the attribute, which a counted window may not exceed.
  private let padEnd: [Int]

  init(
    _ function: PoolingFunction, _ window: ResolvedWindow, _ geometry: ConvolutionGeometry,
    _ input: KernelInput, _ output: ConcreteType
  ) throws(KernelError) {
    self.function = function
    self.window = window
    self.geometry = geometry
    planes = input.shape[0] * input.shape[1]
    self.input = Array(input.shape[2...])
    self.output = Array(output.shape[2...])
    padEnd = window.kernel.indices.map { window.padding($0, size: input.shape[$0 + 2]).end }
  }

  /// - Parameter isColumnMajor: whether positions of maxima count the first spatial axis fastest.
  func kernel(_ context: KernelContext, isColumnMajor: Bool = false) throws(KernelError)
    -> any Kernel
  {
    let type = try context.input(0).elementType
    switch (type, function) {
    case (.float32, .maximum): return maximum(context, -Float.infinity, isColumnMajor)
    case (.float64, .maximum): return maximum(context, -Double.infinity, isColumnMajor)
    case (.int8, .maximum): return maximum(context, Int8.min, isColumnMajor)
    case (.uint8, .maximum): return maximum(context, UInt8.min, isColumnMajor)
    case (.float32, _): return mean(context, Float.self)
    case (.float64, _): return mean(context, Double.self)
    default:
      throw .operator(
        .elementType(input: 0, actual: type, allowed: [.float32, .float64, .int8, .uint8]))
    }
  }

  /// - Parameter lowest: what a window without elements gives.
  private func maximum<T: TensorElement & Comparable>(
    _ context: KernelContext, _ lowest: T, _ isColumnMajor: Bool
  ) -> any Kernel {
    let hasPositions = context.outputs.count > 1 && context.outputs[1] != nil
    return ClosureKernel(context) { operands in
      let x = operands.input(0, as: T.self)
      let y = operands.output(as: T.self)
      let places = hasPositions ? operands.output(1, as: Int64.self) : nil
      Parallelism.forEachRange(count: planes, sharing: x, y, places) { range, x, y, places in
        for plane in range {
          for index in 0..<outputSize {
            var best: Int?
            let source = x + plane * inputSize
            forEachElement(of: index) {
              if let current = best, source[current] >= source[$0] { return }
              best = $0
            }
            let target = plane * outputSize + index
            y[target] = best.map { source[$0] } ?? lowest
            guard let places else { continue }
            let place = best.map { isColumnMajor ? columnMajor($0) : $0 } ?? 0
            places[target] = Int64(plane * inputSize + place)
          }
        }
      }
    }
  }

  private func mean<T: TensorElement & BinaryFloatingPoint>(
    _ context: KernelContext, _ type: T.Type
  ) -> any Kernel {
    ClosureKernel(context) { operands in
      let x = operands.input(0, as: T.self)
      let y = operands.output(as: T.self)
      Parallelism.forEachRange(count: planes, sharing: x, y) { range, x, y in
        for plane in range {
          for index in 0..<outputSize {
            var sum: T = 0
            let source = x + plane * inputSize
            let counted = forEachElement(of: index) { sum += source[$0] }
            y[plane * outputSize + index] = counted > 0 ? sum / T(counted) : 0
          }
        }
      }
    }
  }

  /// A position counted with the first spatial axis fastest.
  private func columnMajor(_ place: Int) -> Int {
    let position = coordinates(place, in: input)
    return position.indices.reversed().reduce(0) { $0 * input[$1] + position[$1] }
  }

  /// dY to the first maximum of its window, or in equal shares to what its window counts.
  func backward() -> Backward {
    Backward(
      "pooling gradient", operands: [.input(0, .rowMajor), .gradient(0, .rowMajor)],
      results: [Backward.Result(input: 0, layout: .rowMajor)]
    ) { operands in
      let x = operands.input(0, as: Float.self)
      let dy = operands.input(1, as: Float.self)
      let dx = operands.output(as: Float.self)
      Parallelism.forEachRange(count: planes, sharing: x, dy, dx) { range, x, dy, dx in
        for plane in range {
          spread(dy + plane * outputSize, x + plane * inputSize, dx + plane * inputSize)
        }
      }
    }
  }

  private var inputSize: Int { input.reduce(1, *) }
  private var outputSize: Int { output.reduce(1, *) }

  private func spread(
    _ dy: UnsafePointer<Float>, _ x: UnsafePointer<Float>, _ dx: UnsafeMutablePointer<Float>
  ) {
    dx.update(repeating: 0, count: inputSize)
    for index in 0..<outputSize {
      var best: Int?
      let counted = forEachElement(of: index) {
        if let current = best, x[current] >= x[$0] { return }
        best = $0
      }
      if function == .maximum {
        if let best { dx[best] += dy[index] }
      } else {
        let share = dy[index] / Float(max(counted, 1))
        forEachElement(of: index) { dx[$0] += share }
      }
    }
  }

  /// Calls `body` with the position of each element in a window; returns how many positions the mean counts.
  @discardableResult private func forEachElement(of window: Int, _ body: (Int) -> Void) -> Int {
    let position = coordinates(window, in: output)
    var counted = 0
    for tap in 0..<self.window.kernel.reduce(1, *) {
      let offsets = coordinates(tap, in: self.window.kernel)
      var source = 0
      var isInside = true
      var isPadded = true
      for axis in input.indices {
        let place =
          position[axis] * self.window.strides[axis] + offsets[axis] * self.window.dilations[axis]
          - geometry.padBegin[axis]
        isInside = isInside && place >= 0 && place < input[axis]
        isPadded = isPadded && place < input[axis] + padEnd[axis]
        source = source * input[axis] + place
      }
      if isInside { body(source) }
      if isInside || function == .averageIncludingPadding && isPadded { counted += 1 }
    }
    return counted
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
