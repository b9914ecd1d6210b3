import DNNEngine
import GraphIR
import TensorCore

/// A graph compiled for training on batches of one shape: forward steps, backward steps, and one arena
/// for all that lies between them.
///
/// A run allocates nothing. Not safe to run from two threads at once.
package final class TrainingPlan {
  /// The memory of an output and of its gradient, both in row-major order.
  package struct Output: @unchecked Sendable {
    package let shape: [Int]
    package let values: UnsafeMutablePointer<Float>
    package let gradient: UnsafeMutablePointer<Float>
    package var count: Int { shape.reduce(1, *) }
  }

  private let plan: ExecutionPlan

  /// The first of the graph's outputs, between a forward and a backward run.
  package let output: Output

  init(_ plan: ExecutionPlan, output: Output) {
    self.plan = plan
    self.output = output
  }

  /// Bytes of the arena.
  package var arenaByteCount: Int { plan.arenaByteCount }

  /// Measures each step where true; reading the clock costs little, but not nothing.
  package var isProfiled: Bool {
    get { plan.isProfiled }
    set { plan.isProfiled = newValue }
  }

  /// Seconds spent in each kind of step since the plan was made, most first.
  package var profile: [(label: String, seconds: Double)] { plan.profile }

  /// Computes the output for fed tensors of exactly the types that the plan was compiled for.
  ///
  /// - Parameter inputs: kept alive by the caller until the backward run is done.
  package func forward(_ inputs: [ValueID: Tensor]) throws(ExecutionError) {
    Engine.applyThreadCount()
    try plan.run(inputs) { _, _ in }
  }

  /// Computes the gradient of every parameter from that of the output, which the caller has written.
  ///
  /// Gradients replace those of the run before.
  package func backward() throws(ExecutionError) { try plan.runBackward() }
}
