import Execution
import GraphIR
import TensorCore

/// The slices along an axis for which a condition holds (ONNX Compress, opset 9, 11).
///
/// Without `axis` the input counts as a vector. The condition is a vector of booleans; slices beyond its end are left out.
package struct Compress: SerializableOperator, ExecutableOperator {
  package static let schema = OperatorSchema(
    "Compress", since: 9, inputs: 2...2, inputTypes: [.any, [.bool]])

  package var movement: ElementMovement? { ElementMovement(.selected) }

  package var axis: Int?

  package init(axis: Int? = nil) { self.axis = axis }

  package init(attributes: AttributeReader) throws(OperatorError) {
    axis = try attributes.int("axis")
  }

  package func attributes() -> [Attribute] {
    axis.map { [Attribute("axis", .int(Int64($0)))] } ?? []
  }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    guard let type = inputs.type(0) else { return [nil] }
    try inputs.requireVector(1, "condition", count: nil)
    guard let dimensions = type.dimensions else {
      return [TensorType(type.elementType, axis == nil ? [.unknown] : nil)]
    }
    let condition = try inputs.integers(1)
    guard let axis else {
      let places = condition.flatMap { condition in
        type.shape.map { Self.places(condition, below: $0.reduce(1, *)).count }
      }
      return [TensorType(type.elementType, [places.map(Dimension.fixed) ?? .unknown])]
    }
    let place = try Axes.normalized(axis, rank: dimensions.count)
    var result = dimensions
    result[place] = .unknown
    if let condition, let size = dimensions[place].size {
      result[place] = .fixed(Self.places(condition, below: size).count)
    }
    return [TensorType(type.elementType, result)]
  }

  private static func places(_ condition: [Int], below count: Int) -> [Int] {
    condition.indices.filter { $0 < count && condition[$0] != 0 }
  }
}

extension Compress {
  /// A copy of runs of elements, for a condition that is known.
  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    let input = try context.input(0)
    guard let condition = try context.input(1).constant?.integers() else {
      throw .operator(.needsConstant(input: "condition"))
    }
    let size = try input.elementBytes()
    var shape = [input.type.count]
    var axis = 0
    if let own = self.axis {
      shape = input.shape
      axis = try context.normalized(own, rank: shape.count)
    }
    let places = Self.places(condition, below: shape[axis])
    let outer = shape[..<axis].reduce(1, *)
    let run = shape[(axis + 1)...].reduce(1, *) * size
    let length = shape[axis]
    return ClosureKernel(context) { operands in
      let x = UnsafeRawPointer(operands.input(0, as: UInt8.self))
      var y = UnsafeMutableRawPointer(operands.output(as: UInt8.self))
      for line in 0..<outer {
        for place in places {
          y.copyMemory(from: x + (line * length + place) * run, byteCount: run)
          y += run
        }
      }
    }
  }
}
