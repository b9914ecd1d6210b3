import GraphIR
import TensorCore
import TestSupport
import Testing
import TrainingSupport

@testable import Execution
@testable import Operators

/// The derivative of every operator of the catalogue against finite differences.
@Suite struct GradientTests {
  typealias Case = OperatorConformanceTests.Case

  /// Operators without a derivative, with the reason.
  static let withoutDerivative: [String: String] = [
    "Constant": "has no inputs",
    "Shape": "depends on the shape alone",
    "Quant": "a quantizer of an exported file; training has its own",
    "MultiThreshold": "a quantizer of an exported file; training has its own",
    "QuantizeLinear": "gives integers",
    "DequantizeLinear": "takes integers",
    "DynamicQuantizeLinear": "gives integers",
    "DynamicQuantizeLSTM": "has integers for weights",
    "BipolarQuant": "a quantizer of an exported file; training has its own",
    "Trunc": "a quantizer of an exported file",
    "ConvInteger": "takes integers",
    "MatMulInteger": "takes integers",
    "QLinearConv": "takes integers",
    "QLinearMatMul": "takes integers",
    "ConstantOfShape": "depends on a shape alone",
    "EyeLike": "depends on the shape alone",
    "Range": "makes constants",
    "NonZero": "gives positions", "NonMaxSuppression": "gives positions",
    "Compress": "gives a shape that follows from values, which no training has",
    "Unique": "gives a shape that follows from values, which no training has",
    "Size": "depends on the shape alone",
    "And": "takes truth values", "Or": "takes truth values", "Xor": "takes truth values",
    "Not": "takes truth values",
    "ArgMax": "gives positions", "ArgMin": "gives positions",
    "Equal": "gives truth values", "Greater": "gives truth values",
    "GreaterOrEqual": "gives truth values", "Less": "gives truth values",
    "LessOrEqual": "gives truth values", "IsInf": "gives truth values",
    "IsNaN": "gives truth values",
    "Hardmax": "a step function of all elements of a line",
    "GRU": "written as other operators before a training",
    "LSTM": "written as other operators before a training",
    "RNN": "written as other operators before a training",
    "BitShift": "takes integers", "BitwiseAnd": "takes integers", "BitwiseNot": "takes integers",
    "BitwiseOr": "takes integers", "BitwiseXor": "takes integers",
    "BlackmanWindow": "depends on a size alone", "HammingWindow": "depends on a size alone",
    "HannWindow": "depends on a size alone",
    "DFT": "found in front of networks, not in what is trained",
    "STFT": "found in front of networks, not in what is trained",
    "RoiAlign": "found in detectors behind boxes that no gradient reaches",
    "Det": "found in geometry, not in networks that are trained",
    "Mod": "arithmetic of positions, with a jump at each multiple",
  ]

  /// Inputs that must be constant, or that training updates without a gradient.
  static let fixedInputs: [String: Set<Int>] = [
    "BatchNormalization": [3, 4], "Clip": [1, 2], "Pow": [1], "Pad": [2], "Dropout": [1],
    "Resize": [1, 2], "Upsample": [1], "RotaryEmbedding": [1, 2],
  ]

  static let differentiableCases: [Case] = OperatorConformanceTests.cases.filter {
    withoutDerivative[$0.type] == nil && !isOfIntegers($0)
      && !casesAtJumps.contains($0.testDescription)
  }

  /// Cases of which most elements lie where the result jumps.
  static let casesAtJumps: Set<String> = ["Round/ties", "TopK/ties"]

  /// Operators whose first input isn't data: truth values that choose, or positions.
  static let laterData: Set<String> = ["Where", "OneHot"]

  /// Whether a case's data or its output isn't of 32-bit floats.
  static func isOfIntegers(_ recorded: Case) -> Bool {
    guard let (graph, inputs, outputs) = try? recorded.load(), let node = graph.nodeIDs.first,
      let data = laterData.contains(recorded.type)
        ? graph[node].inputs.last : graph[node].inputs.first, let data
    else { return true }
    let type = inputs[data]?.elementType ?? graph[data].constant?.elementType
    return type != .float32 || outputs.first?.elementType != .float32
  }

  /// A recorded case with every float input trained.
  static func check(_ recorded: Case, wrapsImages: Bool = false) throws -> GradientCheck {
    var (graph, inputs, _) = try recorded.load()
    let node = graph.nodeIDs[0]
    var trained: [ValueID: Tensor] = [:]
    var updated: [ValueID: Tensor] = [:]
    var fed = inputs
    for (index, input) in graph[node].inputs.enumerated() {
      guard let input, let tensor = inputs[input] ?? graph[input].constant,
        tensor.elementType == .float32
      else { continue }
      if fixedInputs[recorded.type]?.contains(index) ?? false {
        fed[input] = nil
        if recorded.type == "BatchNormalization" {
          updated[input] = tensor
        } else if inputs[input] != nil {
          graph.setInput(node, index, to: graph.addConstant(name: "fixed", tensor))
        }
        continue
      }
      fed[input] = nil
      trained[input] = tensor
      guard wrapsImages, tensor.rank == 4, inputs[input] != nil else { continue }
      graph.setInput(node, index, to: copy(input, tensor.shape[1], &graph))
    }
    if wrapsImages, let output = graph[node].outputs[0], let shape = try recorded.outputShape,
      shape.count == 4
    {
      let result = copy(output, shape[1], &graph)
      graph.replaceAllUses(of: output, with: result, except: graph.consumers(of: output))
    }
    return try GradientCheck(graph, trained: trained, updated: updated, fed: fed)
  }

  /// A convolution with the identity, whose input and output stand in layouts of oneDNN's choice.
  private static func copy(_ value: ValueID, _ channels: Int, _ graph: inout Graph) -> ValueID {
    var identity = [Float](repeating: 0, count: channels * channels)
    for channel in 0..<channels { identity[channel * channels + channel] = 1 }
    let weight = graph.addConstant(
      name: "identity", Tensor(identity, shape: [channels, channels, 1, 1]))
    return graph.addNode(Conv(), name: "copy", inputs: [value, weight], output: "copy")
  }

  @Test func `every operator has a derivative or a reason to have none`() {
    for op in Catalogue.operators {
      let isDifferentiable = op is any DifferentiableOperator.Type
      let reason = Self.withoutDerivative[op.schema.type]
      #expect(isDifferentiable == (reason == nil), "\(op.schema.type)")
    }
  }

  @Test func `every operator with a derivative has a case that checks it`() {
    let checked = Set(Self.differentiableCases.map(\.type))
    for op in Catalogue.operators where Self.withoutDerivative[op.schema.type] == nil {
      #expect(checked.contains(op.schema.type), "no case for \(op.schema.type)")
    }
  }

  @Test(arguments: differentiableCases)
  func `gradients are those of finite differences`(_ recorded: Case) throws {
    let check = try Self.check(recorded)
    let outcome = try check.compare()
    #expect(outcome.error < 1e-2, "error \(outcome.error)")
    #expect(outcome.checked > 0 || check.parameters.values.allSatisfy { $0.count == 0 })
    #expect(outcome.skipped <= outcome.checked, "\(outcome.skipped) of \(outcome.checked) skipped")
  }

  @Test(arguments: differentiableCases.filter { $0.hasImageInput })
  func `gradients do not depend on layouts`(_ recorded: Case) throws {
    let plain = try Self.check(recorded)
    let wrapped = try Self.check(recorded, wrapsImages: true)
    let (expected, actual) = (try plain.gradients(), try wrapped.gradients())
    for (value, gradient) in expected {
      let other = try #require(actual[value])
      let scale = gradient.map(\.magnitude).max() ?? 0
      let error = zip(gradient, other).map { abs($0 - $1) }.max() ?? 0
      #expect(error <= 1e-5 * scale, "error \(error) of \(scale)")
    }
  }
}

extension OperatorConformanceTests.Case {
  /// The shape of the first output.
  var outputShape: [Int]? { get throws { try load().outputs.first?.shape } }
}
