import Execution
import GraphIR
import TensorCore

/// The determinant of each matrix in a stack (ONNX Det, opset 11, 22).
package struct Det: SerializableOperator, ExecutableOperator {
  package static let schema = OperatorSchema("Det", since: 11, inputs: 1...1, inputTypes: [.float])

  package init() {}
  package init(attributes: AttributeReader) { self.init() }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    _ = try inputs.requireRank(0, atLeast: 2)
    guard let type = inputs.type(0), let dimensions = type.dimensions else {
      return [inputs.type(0).map { TensorType($0.elementType, nil) }]
    }
    let sides = dimensions.suffix(2).map(\.size)
    if let rows = sides[0], let columns = sides[1], rows != columns {
      throw .mismatch(what: "columns of a matrix", expected: "\(rows)", actual: "\(columns)")
    }
    return [TensorType(type.elementType, Array(dimensions.dropLast(2)))]
  }

  /// By elimination with pivots from the column, in double precision.
  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    let shape = try context.floatInput(0).shape
    let side = shape[shape.count - 1]
    let count = shape.dropLast(2).reduce(1, *)
    return ClosureKernel(context) { operands in
      let (x, y) = (operands.input(0, as: Float.self), operands.output(as: Float.self))
      for index in 0..<count {
        let start = index * side * side
        y[index] = Float(
          Self.determinant((0..<side * side).map { Double(x[start + $0]) }, side: side))
      }
    }
  }

  private static func determinant(_ elements: [Double], side: Int) -> Double {
    var matrix = elements
    var product = 1.0
    for column in 0..<side {
      let pivot =
        (column..<side).max {
          matrix[$0 * side + column].magnitude < matrix[$1 * side + column].magnitude
        } ?? column
      if pivot != column {
        for k in 0..<side { matrix.swapAt(pivot * side + k, column * side + k) }
        product = -product
      }
      let divisor = matrix[column * side + column]
      product *= divisor
      if divisor == 0 { return 0 }
      for row in column + 1..<max(side, column + 1) {
        let factor = matrix[row * side + column] / divisor
        for k in column..<side { matrix[row * side + k] -= factor * matrix[column * side + k] }
      }
    }
    return product
  }
}
