import Execution
import GraphIR
import TensorCore
import TestSupport
import Testing

/// A graph in training, whose gradients are compared with differences of the loss `L = sum(R * y)`, with
/// fixed random R; the loss is summed in double precision.
package final class GradientCheck {
  /// A trained tensor in memory of its own.
  package final class Parameter {
    package let memory: ParameterMemory
    package let count: Int

    init(_ tensor: Tensor, hasGradient: Bool = true) {
      count = tensor.count
      let values = UnsafeMutablePointer<Float>.allocate(capacity: max(count, 1))
      for (index, value) in tensor.elements(of: Float.self).enumerated() { values[index] = value }
      let gradient =
        hasGradient ? UnsafeMutablePointer<Float>.allocate(capacity: max(count, 1)) : nil
      gradient?.initialize(repeating: .nan, count: max(count, 1))
      memory = ParameterMemory(shape: tensor.shape, values: values, gradient: gradient)
    }

    deinit {
      memory.values.deallocate()
      memory.gradient?.deallocate()
    }

    package var values: [Float] { Array(UnsafeBufferPointer(start: memory.values, count: count)) }
    package var gradient: [Float] {
      Array(UnsafeBufferPointer(start: memory.gradient, count: memory.gradient == nil ? 0 : count))
    }
  }

  package let parameters: [ValueID: Parameter]
  package let plan: TrainingPlan
  private let fed: [ValueID: Tensor]
  /// R, the gradient of the output.
  package let upstream: [Float]
  /// The output of the last forward run; a backward run takes over the plan's memory for it.
  package private(set) var output: [Float] = []

  /// - Parameters:
  ///   - trained: values that get a gradient.
  ///   - updated: values in memory that kernels change, without one.
  package init(
    _ graph: Graph, trained: [ValueID: Tensor], updated: [ValueID: Tensor] = [:],
    fed: [ValueID: Tensor] = [:], options: KernelOptions = KernelOptions()
  ) throws {
    var parameters = trained.mapValues { Parameter($0) }
    for (value, tensor) in updated { parameters[value] = Parameter(tensor, hasGradient: false) }
    self.parameters = parameters
    self.fed = fed
    let session = try TrainingSession(
      graph: graph, parameters: parameters.mapValues(\.memory), options: options)
    plan = try session.plan(for: fed.mapValues { ConcreteType($0.elementType, $0.shape) })
    var random = SplitMix(seed: 11)
    upstream = (0..<plan.output.count).map { _ in Float.random(in: -1...1, using: &random) }
  }

  package func loss() throws -> Double {
    try plan.forward(fed)
    output = Array(UnsafeBufferPointer(start: plan.output.values, count: plan.output.count))
    return zip(upstream, output).reduce(0) { $0 + Double($1.0) * Double($1.1) }
  }

  /// The gradients of all trained values, after a forward and a backward run.
  package func gradients() throws -> [ValueID: [Float]] {
    _ = try loss()
    for (index, weight) in upstream.enumerated() { plan.output.gradient[index] = weight }
    try plan.backward()
    return parameters.filter { $0.value.memory.gradient != nil }.mapValues(\.gradient)
  }

  /// What a comparison found.
  package struct Outcome {
    package var checked = 0
    /// Elements within a step of a kink, where the slopes on both sides differ.
    package var skipped = 0
    /// The largest error, as a part of the largest gradient of its tensor.
    package var error = 0.0
  }

  /// Compares gradients with central differences, for up to `limit` elements of each tensor.
  package func compare(limit: Int = 48, step: Float = 2e-3, tolerance: Double = 1e-2) throws
    -> Outcome
  {
    let analytic = try gradients()
    var outcome = Outcome()
    for (value, gradient) in analytic.sorted(by: { $0.key < $1.key }) {
      guard let parameter = parameters[value], parameter.count > 0 else { continue }
      #expect(!gradient.contains { !$0.isFinite })
      let largest = Double(gradient.map(\.magnitude).max() ?? 0)
      let magnitude = parameter.values.map(\.magnitude).max() ?? 0
      let h = step * (magnitude > 0 ? magnitude : 1)
      let stride = max(1, parameter.count / limit)
      for index in Swift.stride(from: 0, to: parameter.count, by: stride) {
        let slopes = try slopes(parameter.memory.values + index, h)
        // A gradient of all zeros is compared with the slopes themselves.
        let scale = max(largest, slopes.up.magnitude, slopes.down.magnitude, 1e-6)
        guard abs(slopes.up - slopes.down) <= 2 * tolerance * scale else {
          outcome.skipped += 1
          continue
        }
        let error = abs((slopes.up + slopes.down) / 2 - Double(gradient[index])) / scale
        outcome.error = max(outcome.error, error)
        outcome.checked += 1
      }
    }
    return outcome
  }

  /// The largest error of the slope along each tensor's gradient, as a part of that slope. Rounding and kinks
  /// of single elements matter less there.
  package func errorAlongGradients(step: Float = 1e-3) throws -> Double {
    var worst = 0.0
    for (value, gradient) in try gradients() {
      guard let parameter = parameters[value] else { continue }
      let values = parameter.values
      let largest = gradient.map(\.magnitude).max() ?? 0
      let h = step * (values.map(\.magnitude).max() ?? 0)
      #expect(largest > 0 && h > 0)
      func loss(_ sign: Float) throws -> Double {
        for (index, slope) in gradient.enumerated() {
          parameter.memory.values[index] = values[index] + sign * h * slope / largest
        }
        return try self.loss()
      }
      let difference = (try loss(1) - loss(-1)) / Double(2 * h)
      for (index, original) in values.enumerated() { parameter.memory.values[index] = original }
      let slope = gradient.reduce(0) { $0 + Double($1) * Double($1) } / Double(largest)
      worst = max(worst, abs(difference - slope) / slope)
    }
    return worst
  }

  /// The error of the slope along all gradients at once, each tensor moved in proportion to its magnitude: the
  /// least over the steps, since large ones meet kinks and small ones rounding.
  package func errorAlongAllGradients(steps: [Float]) throws -> Double {
    let gradients = try gradients()
    let starts = gradients.keys.sorted().compactMap { value in
      parameters[value].map { (parameter: $0, values: $0.values, gradient: gradients[value] ?? []) }
    }
    let scales = starts.map { start -> Float in
      let largest = start.gradient.map(\.magnitude).max() ?? 0
      return largest > 0 ? (start.values.map(\.magnitude).max() ?? 0) / largest : 0
    }
    func loss(_ step: Float) throws -> Double {
      for (start, scale) in zip(starts, scales) {
        for (index, slope) in start.gradient.enumerated() {
          start.parameter.memory.values[index] = start.values[index] + step * scale * slope
        }
      }
      return try self.loss()
    }
    let slope = zip(starts, scales).reduce(0.0) { sum, entry in
      sum + entry.0.gradient.reduce(0) { $0 + Double($1) * Double($1) } * Double(entry.1)
    }
    #expect(slope > 0)
    let errors = try steps.map { step in
      abs((try loss(step) - loss(-step)) / Double(2 * step) - slope) / slope
    }
    _ = try loss(0)
    return errors.min() ?? .infinity
  }

  /// The differences of the loss on both sides of an element.
  private func slopes(_ element: UnsafeMutablePointer<Float>, _ h: Float) throws
    -> (up: Double, down: Double)
  {
    let original = element[0]
    defer { element[0] = original }
    let (above, below) = (original + h, original - h)
    let centre = try loss()
    element[0] = above
    let up = try loss()
    element[0] = below
    let down = try loss()
    return (
      (up - centre) / Double(above - original), (centre - down) / Double(original - below)
    )
  }
}
