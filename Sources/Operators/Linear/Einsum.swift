import Execution
import GraphIR
import TensorCore

/// A sum of products over the axes that an equation names alike (ONNX Einsum, opset 12).
package struct Einsum: SerializableOperator, ExecutableOperator {
  package static let schema = OperatorSchema(
    "Einsum", since: 12, inputs: 1...Int.max, inputTypes: [.numeric])

  package var equation: String

  package init(equation: String) { self.equation = equation }

  package init(attributes: AttributeReader) throws(OperatorError) {
    guard let equation = try attributes.string("equation") else {
      throw .missingAttribute(name: "equation")
    }
    self.init(equation: equation)
  }

  package func attributes() -> [Attribute] { [Attribute("equation", .string(equation))] }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    guard let type = inputs.type(0)?.elementType else { return [nil] }
    var shapes: [[Dimension]] = []
    for index in inputs.indices {
      guard let dimensions = inputs.dimensions(index) else { return [TensorType(type, nil)] }
      shapes.append(dimensions)
    }
    let parsed = try EinsumEquation(equation, ranks: shapes.map(\.count))
    var sizes: [EinsumEquation.Label: Dimension] = [:]
    for (labels, shape) in zip(parsed.operands, shapes) {
      for (label, dimension) in zip(labels, shape) {
        guard let found = sizes[label] else {
          sizes[label] = dimension
          continue
        }
        sizes[label] = try Dimensions.broadcast([found], [dimension])[0]
      }
    }
    return [TensorType(type, parsed.result.map { sizes[$0] ?? .unknown })]
  }
}

extension Einsum: DifferentiableOperator {
  /// The sum of products for each element of the result, floats in double precision.
  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    try context.requireOneType()
    let walk = try walk(context)
    switch try context.input(0).elementType {
    case .float32:
      return kernel(context, walk) { (a: Double, b: Float) in
        a * Double(b)
      } finish: {
        Float($0)
      }
    case .float64:
      return kernel(context, walk) { (a: Double, b: Double) in
        a * b
      } finish: {
        $0
      }
    default: return integerKernel(try context.number(0), context, walk)
    }
  }

  private func integerKernel<T: Number>(
    _ type: T.Type, _ context: KernelContext, _ walk: EinsumWalk
  ) -> any Kernel {
    kernel(context, walk) { (a: T, b: T) in
      T.product(a, b)
    } finish: {
      $0
    }
  }

  private func kernel<T: Number, A: Number>(
    _ context: KernelContext, _ walk: EinsumWalk, _ multiply: @escaping @Sendable (A, T) -> A,
    finish: @escaping @Sendable (A) -> T
  ) -> any Kernel {
    ClosureKernel(context) { operands in
      let inputs = walk.operands.indices.map {
        operands.input($0, as: T.self)
      }
      let y = operands.output(as: T.self)
      walk.forEachRange(sharing: inputs, y) { range, inputs, y in
        for result in range {
          var sum = A.zero
          walk.forEachTerm(walk.starts(result)) { places in
            var product = A.one
            for (input, place) in zip(inputs, places) { product = multiply(product, input[place]) }
            sum = A.sum(sum, product)
          }
          y[result] = finish(sum)
        }
      }
    }
  }

  private func walk(_ context: KernelContext) throws(KernelError) -> EinsumWalk {
    let shapes = try context.inputs.indices.map { (index) throws(KernelError) in
      try context.input(index).shape
    }
    let parsed = try KernelError.operation(try EinsumEquation(equation, ranks: shapes.map(\.count)))
    return EinsumWalk(parsed, shapes)
  }

  /// The gradient of an operand sums dY times the product of the others over all terms that it is in.
  package func makeTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  {
    let forward = try makeKernel(context.kernel)
    let walk = try walk(context.kernel)
    let counts = try context.kernel.inputs.indices.map { (index) throws(KernelError) in
      try context.kernel.floatInput(index).type.count
    }
    let wanted = counts.indices.filter { context.wantsGradient($0) }
    return InferredTrainingKernel("sum of products", forward, preferred: .rowMajor) { _ in
      Backward(
        "sum of products gradient",
        operands: counts.indices.map { .input($0, .rowMajor) } + [.gradient(0, .rowMajor)],
        results: wanted.map { Backward.Result(input: $0, layout: .rowMajor) },
        scratchByteCounts: wanted.map { max(counts[$0], 1) * MemoryLayout<Double>.size }
      ) { operands in
        let inputs = counts.indices.map { operands.input($0, as: Float.self) }
        let dy = operands.input(counts.count, as: Float.self)
        for (result, target) in wanted.enumerated() {
          let sums = operands.output(wanted.count + result, as: Double.self)
          sums.update(repeating: 0, count: counts[target])
          for place in 0..<walk.resultCount {
            walk.forEachTerm(walk.starts(place)) { places in
              var product = Double(dy[place])
              for other in counts.indices where other != target {
                product *= Double(inputs[other][places[other]])
              }
              sums[places[target]] += product
            }
          }
          let dx = operands.output(result, as: Float.self)
          for i in 0..<counts[target] { dx[i] = Float(sums[i]) }
        }
      }
    }
  }
}
