import CKernels
import TensorCore

/// An exponential moving average of the parameters. An update adds (1 - d) (parameters - average) to the average,
/// with d = min(decay, (1 + t) / (10 + t)) after t updates, so that early averages forget the start (as in
/// tf.train.ExponentialMovingAverage).
package final class WeightAverage {
  /// The limit of the decay d.
  package let decay: Double
  /// The number of updates so far. Restored together with ``state``.
  package var updateCount = 0

  private let average: ScratchBuffer<Float>

  private static let grain = 1 << 15

  /// Starts at the given parameters.
  ///
  /// - Throws: ``OptimizerError`` where the decay is outside 0..<1.
  package init(decay: Double, parameters: UnsafeBufferPointer<Float>) throws(OptimizerError) {
    guard OptimizerError.Requirement.fromZeroBelowOne.admits(decay) else {
      throw .setting(.averageDecay, expected: .fromZeroBelowOne, actual: decay)
    }
    self.decay = decay
    average = ScratchBuffer(count: parameters.count, repeating: 0)
    _ = average.elements.update(from: parameters)
  }

  /// The averaged parameters; valid while the object lives.
  package var values: UnsafeBufferPointer<Float> { UnsafeBufferPointer(average.elements) }

  /// The average, for checkpoints; valid while the object lives.
  package var state: [NamedArray] { [NamedArray("average", average.elements)] }

  /// Takes in the parameters after a step. Allocates no buffer, and gives the same bits for any number of threads.
  package func update(_ parameters: UnsafeBufferPointer<Float>) {
    precondition(parameters.count == average.elements.count, "\(parameters.count) parameters")
    let updates = Double(updateCount)
    let share = Float(1 - min(decay, (1 + updates) / (10 + updates)))
    updateCount += 1
    guard let source = parameters.baseAddress, let target = average.elements.baseAddress else {
      return
    }
    Parallelism.forEachRange(count: parameters.count, grain: Self.grain, sharing: source, target) {
      range, source, target in
      snug_average_step(source + range.lowerBound, target + range.lowerBound, range.count, share)
    }
  }

  /// Exchanges the average and the parameters, so that the average can be evaluated in place; a second call undoes
  /// the first.
  package func exchange(with parameters: UnsafeMutableBufferPointer<Float>) {
    precondition(parameters.count == average.elements.count, "\(parameters.count) parameters")
    for index in parameters.indices {
      (parameters[index], average.elements[index]) = (average.elements[index], parameters[index])
    }
  }
}
