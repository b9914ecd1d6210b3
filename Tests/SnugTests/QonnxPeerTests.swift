import Foundation
import Snug
import TestSupport
import Testing

/// What other programs make of an exported file.
@Suite(.enabled(if: Peers.python != nil, Comment(rawValue: Peers.hint)))
struct QonnxPeerTests {
  /// Checks a model with onnx, cleans it with qonnx, and executes it there.
  ///
  /// Prints the numbers of quantizers before and after the clean-up, those of weights among them, and the
  /// largest difference from the given output over its largest magnitude.
  private static let program = """
    import sys
    import numpy as np
    import onnx
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.core.onnx_exec import execute_onnx
    from qonnx.util.cleanup import cleanup_model

    path, feed, expected = sys.argv[1:]
    onnx.checker.check_model(onnx.load(path), full_check=False)

    def quantizers(model):
        nodes = model.get_nodes_by_op_type("Quant")
        return len(nodes), sum(model.get_initializer(n.input[0]) is not None for n in nodes)

    model = ModelWrapper(path)
    before = quantizers(model)
    model = cleanup_model(model)
    after = quantizers(model)
    x, y = np.load(feed), np.load(expected)
    name, output = model.graph.input[0].name, model.graph.output[0].name
    model.set_tensor_shape(name, list(x.shape))
    result = execute_onnx(model, {name: x})[output]
    print(*before, *after, np.abs(result - y).max() / np.abs(y).max())
    """

  @Test(arguments: [(8, 20, Recipe.Method.a2qPlus), (4, 12, .a2qPlus), (4, 14, .a2q)])
  func `qonnx loads, cleans and executes an export as this package does`(
    bits: Int, accumulator: Int, method: Recipe.Method
  ) throws {
    let folder = try TemporaryFolder()
    var options = ConversionOptions()
    options.recipe.method = method
    options.recipe.weightBits = bits
    options.recipe.activationBits = bits
    options.recipe.accumulatorBits = accumulator
    options.recipe.calibrationSamples = 32
    options.data = Fixtures.path("digits/calibration.npz")
    let path = folder.path("out.onnx")
    _ = try ModelFile(Fixtures.path("digits/model.onnx")).convert(to: path, options)

    let pixels = (0..<8 * 64).map { (index: Int) -> Float in Float((index * 37 + index / 64) % 17) }
    let x = Tensor(pixels, shape: [8, 1, 8, 8])
    let outputs = try ModelFile(path).run(["input": x])
    let files = try TensorFiles.write([("x", x)] + outputs, to: folder.path("arrays"))
    let peer = try Peers.runPython(Self.program, [path] + files)
    #expect(peer.status == 0, "\(peer.errors)")
    let numbers = try #require(peer.output.split(separator: "\n").last).split(separator: " ")
      .compactMap { Double($0) }
    try #require(numbers.count == 5)
    #expect(numbers[0...1] == numbers[2...3], "the clean-up keeps every quantizer")
    #expect(numbers[1] == 6, "every layer's weight has a quantizer of its own")
    #expect(numbers[4] <= 1e-5)
  }
}
