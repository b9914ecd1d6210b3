import Execution
import GraphIR
import TensorCore

/// An operator that joins all elements along some axes into one.
package protocol Reduction: SerializableOperator, ExecutableOperator, DifferentiableOperator {
  static var function: ReductionFunction { get }
  /// The first opset in which the axes are an input.
  static var axesInputOpset: Int { get }
  var axes: ReductionAxes { get }
  init(axes: ReductionAxes)
}

extension Reduction {
  package static var axesInputOpset: Int { 18 }

  package init(attributes: AttributeReader) throws(OperatorError) {
    self.init(
      axes: try ReductionAxes(attributes: attributes, inputOpset: Self.axesInputOpset))
  }

  package func attributes() -> [Attribute] { axes.attributes }

  package func raise(_ node: NodeID, in graph: inout Graph, across opsets: OpsetRange) -> String? {
    guard opsets.crosses(Self.axesInputOpset), case .attribute(let named) = axes.source else {
      return nil
    }
    if let named { graph.setInput(node, 1, toIntegers: named, "_axes") }
    graph[node].op = Self(
      axes: ReductionAxes(
        .input(noopWithEmptyAxes: false), keepsDimensions: axes.keepsDimensions))
    return "axes as an input"
  }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    [try axes.infer(inputs)]
  }

  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    try makeGroupKernel(context)
  }

  /// Group by group in row-major order, floats in double precision. Where no axis is reduced, each element is a
  /// group.
  func makeGroupKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    let input = try context.input(0)
    let function = Self.function
    let grid = ReductionGrid(input.shape, reduced: try axes.reduced(context))
    switch input.elementType {
    case .float32:
      return kernel(context, grid) { (group: ReductionGroup<Float>) in function.real(group) }
    case .float64:
      return kernel(context, grid) { (group: ReductionGroup<Double>) in function.real(group) }
    case .bool:
      guard function == .maximum || function == .minimum else { break }
      return kernel(context, grid) { (group: ReductionGroup<UInt8>) in
        min(function.whole(group, UInt8.self), 1)
      }
    default: break
    }
    return wholeKernel(try context.number(0), context, grid)
  }

  private func wholeKernel<T: Number>(
    _ type: T.Type, _ context: KernelContext, _ grid: ReductionGrid
  ) -> any Kernel {
    let function = Self.function
    return kernel(context, grid) { (group: ReductionGroup<T>) in function.whole(group, T.self) }
  }

  private func kernel<T: Number>(
    _ context: KernelContext, _ grid: ReductionGrid,
    _ reduce: @escaping @Sendable (ReductionGroup<T>) -> T
  ) -> any Kernel {
    ClosureKernel(context) { operands in
      let x = operands.input(0, as: T.self)
      let y = operands.output(as: T.self)
      grid.forEachRange(sharing: x, y) { range, x, y in
        for group in range {
          y[group] = reduce(ReductionGroup(elements: x, grid: grid, index: group))
        }
      }
    }
  }

  /// dX = dY times the slope of the reduction at each element.
  package func makeTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  { try makeGroupTrainingKernel(context, try makeKernel(context.kernel)) }

  func makeGroupTrainingKernel(_ context: FormContext, _ forward: any Kernel)
    throws(KernelError) -> any TrainingKernel
  {
    let input = try context.kernel.floatInput(0)
    let function = Self.function
    let grid = ReductionGrid(input.shape, reduced: try axes.reduced(context.kernel))
    return InferredTrainingKernel("reduction", forward, preferred: .rowMajor) { _ in
      Backward(
        "reduction gradient",
        operands: [.input(0, .rowMajor), .output(0), .gradient(0, .rowMajor)],
        results: [Backward.Result(input: 0, layout: .rowMajor)]
      ) { operands in
        let x = operands.input(0, as: Float.self)
        let (y, dy) = (
          operands.input(1, as: Float.self), operands.input(2, as: Float.self)
        )
        let dx = operands.output(as: Float.self)
        grid.forEachRange(sharing: x, y, dy, dx) { range, x, y, dy, dx in
          for group in range {
            let elements = ReductionGroup(elements: x, grid: grid, index: group)
            function.slopes(elements, Double(y[group])) { dx[$0] = dy[group] * Float($1) }
          }
        }
      }
    }
  }
}
