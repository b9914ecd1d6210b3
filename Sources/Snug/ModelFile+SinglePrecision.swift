import Execution
import GraphIR
import Operators
import Passes
import TensorCore

extension ModelFile {
  /// A graph of the file in single precision throughout, in which everything is computed.
  func inSinglePrecision(_ graph: Graph) throws(SnugError) -> Graph {
    var graph = graph
    do { _ = try FloatWidening().run(&graph) } catch {
      throw .conversion(file: path, .pass(error))
    }
    return graph
  }
}

extension Tensor {
  /// The tensor as a computation in single precision takes it: half and double precision converted.
  var inSinglePrecision: Tensor {
    switch elementType {
    case .float16, .bfloat16, .float64: convertedToFloat() ?? self
    default: self
    }
  }

  /// A result in the precision that the file states for it.
  func restored(to type: ElementType?) -> Tensor {
    guard elementType == .float32, let type, [.float16, .bfloat16, .float64].contains(type),
      let results = try? ConstantEvaluator.evaluate(Cast(to: type), inputs: [self]),
      let restored = results.first
    else { return self }
    return restored
  }
}
