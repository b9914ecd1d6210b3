import Execution
import GraphIR
import TensorCore

/// The position of an extreme along an axis, as int64.
package protocol ExtremePosition: SerializableOperator, ExecutableOperator {
  /// True for the largest element, false for the smallest.
  static var findsLargest: Bool { get }
  var options: ExtremeOptions { get }
  init(options: ExtremeOptions)
}

/// The attributes of ArgMax and ArgMin.
package struct ExtremeOptions: Sendable, Hashable {
  package var axis: Int
  package var keepsDimension: Bool
  /// Of equal extremes the last one counts (opset 12), otherwise the first.
  package var selectsLast: Bool

  package init(axis: Int = 0, keepsDimension: Bool = true, selectsLast: Bool = false) {
    self.axis = axis
    self.keepsDimension = keepsDimension
    self.selectsLast = selectsLast
  }
}

extension ExtremePosition {
  package init(attributes: AttributeReader) throws(OperatorError) {
    self.init(
      options: ExtremeOptions(
        axis: try attributes.int("axis", default: 0),
        keepsDimension: try attributes.bool("keepdims", default: true),
        selectsLast: try attributes.bool("select_last_index", default: false)))
  }

  package func attributes() -> [Attribute] {
    var result = [
      Attribute("axis", .int(Int64(options.axis))),
      Attribute("keepdims", .int(options.keepsDimension ? 1 : 0)),
    ]
    if options.selectsLast { result.append(Attribute("select_last_index", .int(1))) }
    return result
  }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    guard var dimensions = inputs.dimensions(0) else { return [TensorType(.int64, nil)] }
    let axis = try Axes.normalized(options.axis, rank: dimensions.count)
    if dimensions[axis] == 0 {
      throw .outOfRange(what: "dimension \(axis)", value: 0, allowed: "1 or more")
    }
    if options.keepsDimension { dimensions[axis] = 1 } else { dimensions.remove(at: axis) }
    return [TensorType(.int64, dimensions)]
  }

  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    if try context.input(0).elementType == .float32 { return try kernel(Float.self, context) }
    return try kernel(try context.number(0), context)
  }

  private func kernel<T: Number>(_ type: T.Type, _ context: KernelContext)
    throws(KernelError) -> any Kernel
  {
    let shape = try context.input(0).shape
    let lines = AxisLines(shape, axis: try context.normalized(options.axis, rank: shape.count))
    let selectsLast = options.selectsLast
    return ClosureKernel(context) { operands in
      let x = operands.input(0, as: T.self)
      let y = operands.output(as: Int64.self)
      lines.forEachRange(sharing: x, y) { range, x, y in
        for line in range {
          let start = lines.start(line)
          var best = 0
          for i in 0..<lines.length {
            let (value, found) = (x[start + i * lines.stride], x[start + best * lines.stride])
            let isBeyond = Self.findsLargest ? value > found : value < found
            if isBeyond || selectsLast && value == found { best = i }
          }
          y[line] = Int64(best)
        }
      }
    }
  }
}
