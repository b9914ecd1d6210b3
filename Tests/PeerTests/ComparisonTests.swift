import Foundation
import Snug
import TensorCore
import TestSupport
import Testing

/// What `compare` says of a model, computed by onnxruntime and numpy from its file.
@Suite(.enabled(if: Peers.python != nil, Comment(rawValue: Peers.hint)))
struct ComparisonTests {
  /// Prints, for each convolution and matrix product of the second model: name, ratios in dB alone and in place, the worst
  /// channel in place, and the share of activations that its quantizer clips; then those of the output.
  private static let program = """
    import sys
    import numpy as np
    import onnx
    import onnxruntime
    from onnx import helper

    reference, model, data = sys.argv[1:]
    x = np.load(data)["x"].astype("float32")

    def session(model):
        return onnxruntime.InferenceSession(
            model.SerializeToString(), providers=["CPUExecutionProvider"])

    def values(model, names):
        given = model.graph.input[0].name
        names = sorted(set(names) - {given})
        copy = onnx.ModelProto()
        copy.CopyFrom(model)
        del copy.graph.output[:]
        copy.graph.output.extend(helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, None) for n in names)
        return dict(zip(names, session(copy).run(names, {given: x})), **{given: x})

    def decibels(a, b):
        a, b = a.astype("float64"), b.astype("float64")
        return 10 * np.log10((a * a).sum() / ((a - b) ** 2).sum())

    a, b = onnx.load(reference), onnx.load(model)
    # onnx's extractor refuses annotations.
    del b.graph.quantization_annotation[:]
    # A bias that was moved behind its layer leaves the sums a name that the float model hasn't.
    known = {o for n in a.graph.node for o in n.output}
    producer = {o: n for n in b.graph.node for o in n.output}
    constant = {i.name: onnx.numpy_helper.to_array(i) for i in b.graph.initializer}
    layers = []
    for node in b.graph.node:
        if node.op_type not in ("Conv", "Gemm"):
            continue
        below = [n for n in b.graph.node if node.output[0] in n.input]
        follows = below and (below[0].op_type == "BatchNormalization" or node.output[0] not in known)
        seen = below[0].output[0] if follows else node.output[0]
        cut = producer[node.input[0]]
        while cut.op_type != "QuantizeLinear":
            cut = producer[cut.input[0]]
        layers.append((node.name, seen, cut.input[0], constant[cut.input[1]], constant[cut.input[2]]))
    names = [l[1] for l in layers] + [l[2] for l in layers]
    output = b.graph.output[0].name
    wanted, found = values(a, names + [output]), values(b, names + [output])
    for name, seen, cut, scale, zero in layers:
        part = session(onnx.utils.Extractor(b).extract_model([cut], [seen]))
        alone = part.run([seen], {cut: wanted[cut]})[0]
        ratio = [decibels(wanted[seen][:, c], found[seen][:, c]) for c in range(found[seen].shape[1])]
        steps = np.rint(found[cut] / scale) + zero.astype("float32")
        limits = np.iinfo(zero.dtype)
        # Four bits stand in bytes between clamps, whose limits the file has in a Clip behind the quantizer.
        clips = [n for n in b.graph.node if n.op_type == "Clip" and n.input[0] in producer
                 and producer[n.input[0]].op_type == "QuantizeLinear"
                 and producer[n.input[0]].input[0] == cut]
        low = constant[clips[0].input[1]] if clips else limits.min
        high = constant[clips[0].input[2]] if clips else limits.max
        clipped = ((steps < low) | (steps > high)).mean()
        print(name, decibels(wanted[seen], alone), decibels(wanted[seen], found[seen]),
              int(np.argmin(ratio)), clipped)
    p, q = wanted[output].astype("float64"), found[output].astype("float64")
    print(output, decibels(p, q), (p * q).sum() / np.sqrt((p * p).sum() * (q * q).sum()), np.abs(p - q).max())
    """

  @Test
  func `ratios, worst channels, clipping and outputs are those that onnxruntime and numpy find`()
    throws
  {
    let folder = try TemporaryFolder()
    let (model, data) = (
      Fixtures.path("digits/model.onnx"), Fixtures.path("digits/calibration.npz")
    )
    var options = ConversionOptions()
    options.recipe.accumulatorBits = 11
    options.recipe.calibrationSamples = 64
    options.data = data
    options.format = .qcdq
    let path = folder.path("out.onnx")
    _ = try ModelFile(model).convert(to: path, options)
    let comparison = try ModelFile(model).compare(with: ModelFile(path), on: data)
    #expect(comparison.samples == 200)

    let peer = try Peers.runPython(Self.program, [model, path, data])
    try #require(peer.status == 0, "\(peer.errors)")
    let lines = peer.output.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
    try #require(lines.count == 7)
    #expect(comparison.layers.map(\.name).sorted() == lines.dropLast().map { $0[0] }.sorted())
    for line in lines.dropLast() {
      let layer = try #require(comparison.layers.first { $0.name == line[0] })
      let numbers = line.dropFirst().compactMap(Double.init)
      // Sums in another order move a few activations by a step.
      #expect(abs(try #require(layer.alone?.decibels) - numbers[0]) < 0.02, "\(layer.name)")
      #expect(abs(try #require(layer.inPlace?.decibels) - numbers[1]) < 0.05, "\(layer.name)")
      #expect(layer.worstChannel?.index == Int(numbers[2]), "\(layer.name)")
      #expect(abs(try #require(layer.clippedShare) - numbers[3]) < 1e-4, "\(layer.name)")
    }
    let output = try #require(comparison.outputs.first)
    let numbers = lines[6].dropFirst().compactMap(Double.init)
    #expect(abs(try #require(output.ratio.decibels) - numbers[0]) < 0.05)
    #expect(abs(try #require(output.cosine) - numbers[1]) < 1e-4)
    #expect(abs(output.largestDeviation - numbers[2]) < 0.02 * numbers[2])
  }
}
