import Execution
import GraphIR
import TensorCore

/// Samples an image, or a volume, at the positions that a grid names (ONNX GridSample, opset 16, 20, 22).
///
/// Inputs: X `[N, C, D_1...D_r]`, grid `[N, E_1...E_r, r]` with coordinates from -1 to 1, the last axis first.
/// Output `[N, C, E_1...E_r]`. In opset 16 there are two axes, and modes are named bilinear and bicubic.
package struct GridSample: SerializableOperator, ExecutableOperator {
  package static let schema = OperatorSchema(
    "GridSample", since: 16, inputs: 2...2, inputTypes: [[.float32]])

  package enum Mode: Sendable, Hashable {
    case nearest, linear, cubic
  }

  /// What lies outside the input.
  package enum Padding: String, Sendable, Hashable, CaseIterable {
    case zeros, border, reflection
  }

  package var mode: Mode
  package var padding: Padding
  /// Whether -1 and 1 are the centres of the corners, rather than their outer edges.
  package var alignsCorners: Bool
  /// Opset 16, which names the modes otherwise.
  private var isOld: Bool

  package init(attributes: AttributeReader) throws(OperatorError) {
    isOld = attributes.opset < 20
    let names: [String: Mode] =
      isOld
      ? ["nearest": .nearest, "bilinear": .linear, "bicubic": .cubic]
      : ["nearest": .nearest, "linear": .linear, "cubic": .cubic]
    let name = try attributes.string("mode", default: isOld ? "bilinear" : "linear")
    guard let mode = names[name] else {
      throw .attributeValue(
        name: "mode", value: name, allowed: names.keys.sorted().joined(separator: ", "))
    }
    let edge = try attributes.string("padding_mode", default: Padding.zeros.rawValue)
    guard let padding = Padding(rawValue: edge) else {
      throw .attributeValue(
        name: "padding_mode", value: edge,
        allowed: Padding.allCases.map(\.rawValue).joined(separator: ", "))
    }
    self.mode = mode
    self.padding = padding
    alignsCorners = try attributes.bool("align_corners", default: false)
  }

  package func attributes() -> [Attribute] {
    let name =
      switch mode {
      case .nearest: "nearest"
      case .linear: isOld ? "bilinear" : "linear"
      case .cubic: isOld ? "bicubic" : "cubic"
      }
    return [
      Attribute("align_corners", .int(alignsCorners ? 1 : 0)), Attribute("mode", .string(name)),
      Attribute("padding_mode", .string(padding.rawValue)),
    ]
  }

  package func raise(_ node: NodeID, in graph: inout Graph, across opsets: OpsetRange) -> String? {
    guard isOld, opsets.crosses(20) else { return nil }
    var sampling = self
    sampling.isOld = false
    graph[node].op = sampling
    return "modes of more than two axes"
  }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    guard let type = inputs.type(0) else { return [nil] }
    _ = try inputs.requireRank(0, atLeast: 3)
    guard let x = type.dimensions, let grid = inputs.dimensions(1) else {
      return [TensorType(type.elementType, nil)]
    }
    guard grid.count == x.count else {
      throw .rank(input: 1, expected: "\(x.count)", actual: grid.count)
    }
    for (what, expected, actual) in [
      ("samples of the grid", x[0], grid[0]),
      ("coordinates of a position", .fixed(x.count - 2), grid[grid.count - 1]),
    ] {
      if let a = expected.size, let b = actual.size, a != b {
        throw .mismatch(what: what, expected: "\(a)", actual: "\(b)")
      }
    }
    return [TensorType(type.elementType, Array(x[..<2]) + grid[1..<(grid.count - 1)])]
  }
}

extension GridSample: DifferentiableOperator {
  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    let sampler = try sampler(context)
    return ClosureKernel(context) { operands in
      let (x, grid) = (
        operands.input(0, as: Float.self), operands.input(1, as: Float.self)
      )
      let y = operands.output(as: Float.self)
      Parallelism.forEachRange(
        count: sampler.samples * sampler.positions, grain: 64, sharing: x, grid, y
      ) { range, x, grid, y in
        var taps = GridSampler.Taps(rank: sampler.input.count)
        for point in range {
          sampler.find(grid + point * sampler.input.count, &taps)
          let (sample, position) = point.quotientAndRemainder(dividingBy: sampler.positions)
          for channel in 0..<sampler.channels {
            let plane = sample * sampler.channels + channel
            var sum: Float = 0
            for (place, weight) in zip(taps.places, taps.weights) {
              sum += weight * x[plane * sampler.inputCount + place]
            }
            y[plane * sampler.positions + position] = sum
          }
        }
      }
    }
  }

  /// dX spreads dY over what was read; the gradient of a coordinate is dY times the slope of the
  /// interpolation, 0 where `nearest`.
  package func makeTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  {
    let kernel = try makeKernel(context.kernel)
    let sampler = try sampler(context.kernel)
    return InferredTrainingKernel("grid sample", kernel, preferred: .rowMajor) { context in
      let wanted = [0, 1].filter { context.wanted[$0] }
      return Backward(
        "grid sample gradient",
        operands: [.input(0, .rowMajor), .input(1, .rowMajor), .gradient(0, .rowMajor)],
        results: wanted.map { Backward.Result(input: $0, layout: .rowMajor) }
      ) { operands in
        sampler.backward(
          operands.input(0, as: Float.self), operands.input(1, as: Float.self),
          operands.input(2, as: Float.self),
          dx: wanted.firstIndex(of: 0).map { operands.output($0, as: Float.self) },
          dgrid: wanted.firstIndex(of: 1).map { operands.output($0, as: Float.self) })
      }
    }
  }

  private func sampler(_ context: KernelContext) throws(KernelError) -> GridSampler {
    let x = try context.floatInput(0).shape
    _ = try context.floatInput(1)
    return GridSampler(
      mode: mode, padding: padding, alignsCorners: alignsCorners, samples: x[0], channels: x[1],
      input: Array(x[2...]), positions: try context.output().shape[2...].reduce(1, *))
  }
}
