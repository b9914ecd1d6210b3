import GraphIR
import OnnxFormat
import TensorCore
import TestSupport
import Testing
import TrainingSupport

@testable import Execution
@testable import Operators

/// Gradients of real float checkpoints.
@Suite(.enabled(if: Fixtures.shared != nil))
struct RealModelTrainingTests {
  /// A file that holds quantizers of its own is none to train, and one network is constant around inputs
  /// such as these.
  static let models = RealModelTests.models.filter {
    !$0.0.contains("brevitas") && $0.0 != "acasxu-1-2"
  }

  /// Constants of layers, in the order of nodes; running statistics apart.
  private static func parameters(_ graph: Graph) -> (
    trained: [ValueID: Tensor], updated: [ValueID: Tensor]
  ) {
    var trained: [ValueID: Tensor] = [:]
    var updated: [ValueID: Tensor] = [:]
    for id in graph.nodeIDs {
      let node = graph[id]
      for (index, input) in node.inputs.enumerated() {
        guard let input, let constant = graph[input].constant, constant.elementType == .float32,
          constant.count > 0
        else { continue }
        switch node.op {
        case is BatchNormalization where index > 2: updated[input] = constant
        case is Conv, is ConvTranspose, is Gemm, is MatMul, is BatchNormalization:
          trained[input] = constant
        default: break
        }
      }
    }
    return (trained, updated)
  }

  @Test(arguments: models)
  func `the slope along the gradients is that of finite differences`(
    _ name: String, _ shapes: [[Int]]
  ) throws {
    let shared = try #require(Fixtures.shared)
    let graph = try OnnxReader.read(
      path: shared.appending(path: "models/\(name).onnx").path, resolver: Catalogue()
    ).graph
    let (trained, updated) = Self.parameters(graph)
    guard !trained.isEmpty else { return }
    var builder = TrainingBuilder()
    var fed: [ValueID: Tensor] = [:]
    for (input, shape) in zip(graph.inputs, shapes) { fed[input] = builder.tensor(shape) }
    let check = try GradientCheck(
      graph, trained: trained, updated: updated, fed: fed,
      options: KernelOptions(freezesNormalization: true))
    #expect(try check.errorAlongAllGradients(steps: [1e-3, 1e-4, 1e-5, 3e-6]) < 0.02)
  }
}
