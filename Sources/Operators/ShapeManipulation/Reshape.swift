import Execution
import GraphIR
import TensorCore

/// The same elements under another shape (ONNX Reshape, opset 5, 13, 14 to 25).
///
/// In the target, -1 stands for what is left, and 0 for the input's dimension at that place unless
/// `allowZero`, which takes it literally.
package struct Reshape: SerializableOperator, ExecutableOperator {
  package static let schema = OperatorSchema(
    "Reshape", since: 5, inputs: 2...2, inputTypes: [.any, .index])

  package var movement: ElementMovement? { ElementMovement(.kept) }

  package var allowZero: Bool

  package init(allowZero: Bool = false) { self.allowZero = allowZero }

  package init(attributes: AttributeReader) throws(OperatorError) {
    allowZero = try attributes.bool("allowzero", default: false)
  }

  package func attributes() -> [Attribute] {
    allowZero ? [Attribute("allowzero", .int(1))] : []
  }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    guard let data = inputs.type(0) else { return [nil] }
    _ = try inputs.integers(1)
    guard let target = inputs.elements(1) else {
      // The length of the target still tells the rank.
      let rank = inputs.dimensions(1)?.first?.size
      return [TensorType(data.elementType, rank.flatMap(Dimensions.unknown))]
    }
    return [TensorType(data.elementType, try resolve(target, input: data.dimensions))]
  }

  /// The output's dimensions for a target.
  ///
  /// - Throws: ``OperatorError`` where the target is malformed or the number of elements changes.
  private func resolve(_ target: [Dimension], input: [Dimension]?) throws(OperatorError)
    -> [Dimension]
  {
    var result: [Dimension] = []
    var inferred: Int?
    var copied: Set<Int> = []
    for (position, size) in target.enumerated() {
      switch size {
      case -1:
        guard inferred == nil else {
          throw .mismatch(what: "entries of -1 in the shape", expected: "at most 1", actual: "2")
        }
        inferred = position
        result.append(.unknown)
      case 0 where !allowZero:
        guard let input else {
          result.append(.unknown)
          continue
        }
        guard position < input.count else {
          throw .outOfRange(
            what: "position of a 0 in the shape", value: position, allowed: "0..<\(input.count)")
        }
        // An unknown size cancels where it is copied.
        if input[position] == .unknown { copied.insert(position) }
        result.append(input[position])
      case .fixed(..<0):
        throw .outOfRange(
          what: "dimension in the shape", value: size.size ?? 0, allowed: "-1 or more")
      default: result.append(size)
      }
    }
    guard let input else { return result }
    // Whatever an element that isn't known turns out to be, it is what the others leave, unless they are empty.
    if inferred == nil, !result.contains(0), target.filter({ $0 == .unknown }).count == 1 {
      inferred = target.firstIndex(of: .unknown)
    }
    if let inferred {
      func rest(_ dimensions: [Dimension], without position: Int? = nil) -> [Dimension] {
        dimensions.indices.filter { $0 != position && !copied.contains($0) }.map { dimensions[$0] }
      }
      let others = rest(result, without: inferred)
      result[inferred] = try Dimensions.quotient(rest(input), by: others)
    } else if case .fixed(let before) = try Dimensions.product(input),
      case .fixed(let after) = try Dimensions.product(result), before != after
    {
      throw .mismatch(what: "number of elements", expected: "\(before)", actual: "\(after)")
    }
    return result
  }
}

extension Reshape: DifferentiableOperator {
  /// The input's memory in row-major order.
  package func makeKernel(_ context: KernelContext) -> any Kernel { ViewKernel(context) }

  /// dX is dY in the shape of X.
  package func makeTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  { InferredTrainingKernel.view(makeKernel(context.kernel)) }
}

extension Reshape: DimensionArithmetic {
  package func elements(_ inputs: [InputInfo?]) -> [Dimension]? { inputs.elements(0) }
}
