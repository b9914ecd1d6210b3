import DNNEngine
import Execution
import TensorCore

/// How a recurrent kernel multiplies with W and R.
protocol RecurrentProducts {
  /// Takes the operands of a direction, for the products that follow.
  func begin(_ direction: Int, _ operands: Operands)

  /// The products of the inputs of all steps with W, a row for each step and sample, plus a bias.
  func multiplyInputs(bias: UnsafePointer<Float>, into sums: UnsafeMutablePointer<Float>)
    throws(EngineError)

  /// The products of a row for each sample with the part of R that a phase reads.
  func multiplyState(
    _ state: UnsafePointer<Float>, phase: Int, into sums: UnsafeMutablePointer<Float>
  ) throws(EngineError)
}

/// Products with weights of floats, a row for each element of a gate.
final class FloatProducts: RecurrentProducts {
  private let shape: RecurrentShape
  private let inputProduct: MatrixProduct
  /// The gates of each phase of a step.
  private let gates: [Range<Int>]
  private let stateProducts: [MatrixProduct]
  private var x: UnsafePointer<Float>?
  private var w: UnsafePointer<Float>?
  private var r: UnsafePointer<Float>?

  /// - Throws: ``EngineError`` where oneDNN refuses a product.
  init(_ engine: Engine, _ shape: RecurrentShape, _ gates: [Range<Int>]) throws(EngineError) {
    self.shape = shape
    self.gates = gates
    let (hidden, columns) = (shape.hidden, shape.gates * shape.hidden)
    let rows = shape.steps * shape.batch
    inputProduct = try MatrixProduct(
      engine, .init(rowMajor: [rows, shape.input]),
      .init(shape: [shape.input, columns], strides: [1, shape.input]), bias: [1, columns],
      output: [rows, columns])
    var products: [MatrixProduct] = []
    for part in gates {
      products.append(
        try MatrixProduct(
          engine, .init(rowMajor: [shape.batch, hidden]),
          .init(shape: [hidden, part.count * hidden], strides: [1, hidden]),
          output: [shape.batch, part.count * hidden]))
    }
    stateProducts = products
  }

  func begin(_ direction: Int, _ operands: Operands) {
    let columns = shape.gates * shape.hidden
    x = operands.input(0, as: Float.self)
    w = operands.input(1, as: Float.self) + direction * columns * shape.input
    r = operands.input(2, as: Float.self) + direction * columns * shape.hidden
  }

  func multiplyInputs(bias: UnsafePointer<Float>, into sums: UnsafeMutablePointer<Float>)
    throws(EngineError)
  { try inputProduct.run(left: x, right: w, bias: bias, into: sums) }

  func multiplyState(
    _ state: UnsafePointer<Float>, phase: Int, into sums: UnsafeMutablePointer<Float>
  ) throws(EngineError) {
    let first = gates[phase].lowerBound * shape.hidden * shape.hidden
    try stateProducts[phase].run(left: state, right: r.map { $0 + first }, into: sums)
  }
}
