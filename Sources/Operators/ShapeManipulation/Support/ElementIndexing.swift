import Execution
import GraphIR
import TensorCore

/// What GatherElements and ScatterElements share: an index tensor that names, for each of its own positions,
/// the place along one axis of the data.
struct ElementIndexing: Sendable {
  private let indices: IndexElements
  private let walk: StridedWalk
  /// Entries of the data along the axis, and the distance between them.
  private let size: Int
  private let step: Int

  /// - Throws: ``KernelError`` where the indices are of another type.
  init(_ context: KernelContext, axis: Int) throws(KernelError) {
    let data = try context.input(0).shape
    let axis = try context.normalized(axis, rank: data.count)
    indices = try IndexElements(context, input: 1)
    var strides = Shape.strides(data)
    step = strides[axis]
    size = data[axis]
    strides[axis] = 0
    walk = StridedWalk(shape: try context.input(1).shape, strides: strides)
  }

  /// Calls `body` with each position of the indices and the place in the data that it names.
  ///
  /// - Throws: ``OperatorError/outOfRange(what:value:allowed:)`` for an index outside the axis.
  func forEach(_ memory: UnsafePointer<UInt8>, _ body: (_ position: Int, _ place: Int) -> Void)
    throws(KernelError)
  {
    try walk.forEach { (position, offset) throws(KernelError) in
      body(position, offset + step * (try indices.index(memory, position, size: size)))
    }
  }

  /// The type of GatherElements' output and of ScatterElements' updates: that of the data in the shape of the
  /// indices.
  ///
  /// - Throws: ``OperatorError`` where ranks differ, or the indices exceed the data beside the axis.
  static func infer(_ inputs: [InputInfo?], axis: Int) throws(OperatorError) -> TensorType? {
    guard let data = inputs.type(0) else { return nil }
    let indices = inputs.dimensions(1)
    guard let dimensions = data.dimensions else { return TensorType(data.elementType, indices) }
    guard !dimensions.isEmpty else { throw .rank(input: 0, expected: "at least 1", actual: 0) }
    let axis = try Axes.normalized(axis, rank: dimensions.count)
    guard let indices else {
      return TensorType(data.elementType, Dimensions.unknown(rank: dimensions.count))
    }
    guard indices.count == dimensions.count else {
      throw .rank(input: 1, expected: "\(dimensions.count)", actual: indices.count)
    }
    for position in dimensions.indices where position != axis {
      if let size = dimensions[position].size, let given = indices[position].size, given > size {
        throw .mismatch(
          what: "dimension \(position) of the indices", expected: "at most \(size)",
          actual: "\(given)")
      }
    }
    return TensorType(data.elementType, indices)
  }
}
