import Foundation
import GraphIR
import OnnxFormat
import TensorCore
import TestSupport
import Testing

@testable import Execution
@testable import Operators

/// Real checkpoints against onnxruntime, and against qonnx's executor where a file holds its quantizers.
@Suite(.enabled(if: Peers.python != nil && Fixtures.shared != nil, Comment(rawValue: Peers.hint)))
struct RealModelTests {
  /// Model, shape of each input.
  static let models: [(String, [[Int]])] = [
    ("acasxu-1-2", [[1, 1, 1, 5]]),
    ("attention-sdp", [[64, 1, 128], [64, 1, 128], [64, 1, 128]]),
    ("cifar10-mobilenet", [[8, 3, 32, 32]]),
    ("cifar10-resnet20", [[8, 3, 32, 32]]),
    ("cifar10-resnet20-folded", [[8, 3, 32, 32]]),
    ("espcn-subpixel-brevitas", [[1, 3, 128, 128]]),
    ("espcn-subpixel-float", [[1, 3, 4, 4]]),
    ("espcn-x3", [[2, 3, 17, 23]]),
    ("mlperf-ad", [[8, 640]]),
    ("mlperf-kws", [[8, 49, 10, 1]]),
    ("mlperf-resnet8", [[8, 32, 32, 3]]),
    ("mlperf-vww", [[2, 96, 96, 3]]),
    ("mnist-conv", [[1, 1, 28, 28]]),
    ("unet-x3", [[2, 3, 20, 28]]),
    ("vnncomp-resnet2b", [[1, 3, 32, 32]]),
  ]

  /// Writes the inputs and the outputs of a model as NumPy files.
  static let program = """
    import sys, json, numpy as np, onnx
    path, shapes, folder = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3]
    model = onnx.load(path)
    constants = {i.name for i in model.graph.initializer}
    names = [i.name for i in model.graph.input if i.name not in constants]
    random = np.random.default_rng(0)
    feed = {n: random.standard_normal(s).astype(np.float32) for n, s in zip(names, shapes)}
    if any("Quant" in n.op_type and n.domain for n in model.graph.node):
        from qonnx.core.modelwrapper import ModelWrapper
        from qonnx.core.onnx_exec import execute_onnx
        from qonnx.transformation.infer_shapes import InferShapes
        for n in model.graph.node:
            if n.domain == "onnx.brevitas": n.domain = "qonnx.custom_op.general"
        wrapped = ModelWrapper(model).transform(InferShapes())
        outputs = execute_onnx(wrapped, feed)
        outputs = [outputs[o.name] for o in model.graph.output]
    else:
        import onnxruntime
        outputs = onnxruntime.InferenceSession(path).run(None, feed)
    for i, n in enumerate(names): np.save(f"{folder}/input_{i}.npy", feed[n])
    for i, o in enumerate(outputs): np.save(f"{folder}/output_{i}.npy", o)
    """

  static func tensor(_ url: URL) throws -> Tensor {
    let file = try #require(NumpyFile(url))
    return Tensor(try #require(file.floats), shape: file.shape)
  }

  @Test(arguments: models)
  func `outputs equal the peer's within 1e-4 of the largest`(_ name: String, _ shapes: [[Int]])
    throws
  {
    let shared = try #require(Fixtures.shared)
    let path = shared.appending(path: "models/\(name).onnx").path
    let folder = try TemporaryFolder()
    let peer = try Peers.runPython(Self.program, [path, "\(shapes)", folder.url.path])
    try #require(peer.status == 0, "\(peer.errors)")
    let graph = try OnnxReader.read(path: path, resolver: Catalogue()).graph
    var inputs: [ValueID: Tensor] = [:]
    for (index, input) in graph.inputs.enumerated() {
      inputs[input] = try Self.tensor(folder.url.appending(path: "input_\(index).npy"))
    }
    let isQuantized = graph.nodeIDs.contains { graph[$0].op is Quant }
    for fuses in [true, false] {
      let session = try Session(graph: graph, options: .init(fusesNodes: fuses))
      let results = try session.run(inputs, fetch: graph.outputs)
      for (index, output) in graph.outputs.enumerated() {
        let expected = try Self.tensor(folder.url.appending(path: "output_\(index).npy"))
        let actual = try #require(results[output])
        #expect(actual.shape == expected.shape)
        let (a, e) = (actual.elements(of: Float.self), expected.elements(of: Float.self))
        let scale = e.map(\.magnitude).max() ?? 1
        let wrong = zip(a, e).filter { !(($0 - $1).magnitude <= 1e-4 * scale) }
        // A quantizer turns the last bit of a sum that lies between two integers into a whole step.
        let ties = isQuantized ? a.count / 10_000 : 0
        let step = scale / 255
        #expect(wrong.count <= ties && wrong.allSatisfy { ($0 - $1).magnitude < 1.01 * step })
      }
    }
  }
}
