import Execution
import GraphIR
import TensorCore

/// Which axes an operator reduces, and whether they stay as 1.
///
/// `axes` is an attribute in older opsets and an optional input in newer ones. Absent or empty, all axes are
/// reduced, unless `noop_with_empty_axes` says that none is.
package struct ReductionAxes: Sendable, Hashable {
  /// `nil` in the attribute form reduces all.
  package enum Source: Sendable, Hashable {
    case attribute([Int]?)
    case input(noopWithEmptyAxes: Bool)
  }

  package var source: Source
  package var keepsDimensions: Bool

  package init(_ source: Source, keepsDimensions: Bool = true) {
    self.source = source
    self.keepsDimensions = keepsDimensions
  }

  /// - Parameter inputOpset: the first opset in which the axes are an input.
  package init(attributes: AttributeReader, inputOpset: Int) throws(OperatorError) {
    keepsDimensions = try attributes.bool("keepdims", default: true)
    source =
      attributes.opset < inputOpset
      ? .attribute(try attributes.ints("axes"))
      : .input(noopWithEmptyAxes: try attributes.bool("noop_with_empty_axes", default: false))
  }

  var attributes: [Attribute] {
    var result = [Attribute("keepdims", .int(keepsDimensions ? 1 : 0))]
    switch source {
    case .attribute(let list?): result.append(Attribute("axes", .ints(list.map(Int64.init))))
    case .input(noopWithEmptyAxes: true): result.append(Attribute("noop_with_empty_axes", .int(1)))
    default: break
    }
    return result
  }

  /// The type of the result: the first input's elements.
  func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> TensorType? {
    guard let type = inputs.type(0) else { return nil }
    guard let dimensions = type.dimensions,
      let reduced = try reduced(inputs, rank: dimensions.count)
    else { return TensorType(type.elementType, nil) }
    var result: [Dimension] = []
    for axis in dimensions.indices {
      if !reduced.contains(axis) {
        result.append(dimensions[axis])
      } else if keepsDimensions {
        result.append(1)
      }
    }
    return TensorType(type.elementType, result)
  }

  /// The axes to reduce in ascending order, or `nil` where they aren't constant.
  func reduced(_ inputs: [InputInfo?], rank: Int) throws(OperatorError) -> [Int]? {
    var named: [Int] = []
    var isNoop = false
    switch source {
    case .attribute(let list): named = list ?? []
    case .input(let noopWithEmptyAxes):
      isNoop = noopWithEmptyAxes
      if inputs.isPresent(1) {
        guard let list = try inputs.integers(1) else { return nil }
        named = list
      }
    }
    if named.isEmpty { return isNoop ? [] : Array(0..<rank) }
    return try Axes.normalized(named, rank: rank)
  }

  /// - Throws: ``OperatorError/needsConstant(input:)`` where the axes are computed.
  func reduced(_ context: KernelContext) throws(KernelError) -> [Int] {
    let rank = try context.input(0).shape.count
    let reduced = try KernelError.operation(try self.reduced(context.inferenceInputs, rank: rank))
    guard let reduced else { throw .operator(.needsConstant(input: "axes")) }
    return reduced
  }
}
