import GraphIR
import TensorCore
import TestSupport
import Testing
import Verification

@testable import Reporting

@Suite struct TextTests {
  @Test(arguments: [
    (Float(0), "0"), (0.0039215689, "0.00392"), (1, "1"), (0.25, "0.25"), (123.46, "123"),
    (1234.5, "1235"), (0.1, "0.1"), (-0.5, "-0.5"), (99.96, "100"), (1e-9, "1.00e-9"),
    (2.5e12, "2.50e12"), (9.999e-8, "1.00e-7"), (0.0009996, "0.001"),
    (.greatestFiniteMagnitude, "3.40e38"), (.leastNonzeroMagnitude, "1.40e-45"),
  ])
  func `three significant digits are shown`(_ value: Float, _ text: String) {
    #expect(Figures.significant(value) == text)
  }

  @Test(arguments: [(0.0, "0 %"), (0.001, "<1 %"), (0.5, "50 %"), (0.999, ">99 %"), (1, "100 %")])
  func `a share is none or all only where it is`(_ fraction: Double, _ text: String) {
    #expect(Figures.percent(fraction) == text)
  }

  @Test func `runs of an input are counted, and a long tail is left out`() {
    let style = TextStyle()
    #expect(CounterexampleText.runs([15, 15, 15, 0, -8, -8], style) == "15 × 3, 0, -8 × 2")
    #expect(CounterexampleText.runs([], style) == "")
    let alternating = (0..<100).map { Int64($0 % 2) }
    #expect(CounterexampleText.runs(alternating, style).hasSuffix(", 0, 1, … (84 more)"))
  }

  @Test func `sentences shorten names of hundreds of characters, and the JSON has them whole`()
    throws
  {
    let long = String(repeating: "batch_normalization/FusedBatchNormV3;", count: 12)
    var builder = GraphBuilder()
    let x = builder.quant(builder.input(), bits: 4, signed: false)
    let float = builder.node("Sin", [x], name: long)
    let w = builder.quant(builder.constant([1], [1, 1]), bits: 4, signed: true)
    builder.output(builder.node("MatMul", [float, w], name: "fc"))
    let result = try Verifier.verify(builder.model)
    let summary = VerdictText.summary(result, style: TextStyle())
    #expect(summary.contains("batch_normalization/FusedBatch") && summary.contains("…"))
    #expect(summary.split(separator: " ").allSatisfy { $0.count <= 82 }, "\(summary)")
    let report = VerificationReport(path: "m.onnx", result: result)
    #expect(report.json.text().contains(long))
  }

  @Test func `what a model takes and gives is said with sizes, in a sentence and in the JSON`()
    throws
  {
    var builder = GraphBuilder()
    let type = TensorType(.float32, [.symbolic("n"), 3])
    builder.output(builder.node("Relu", [builder.input("x", type)], name: "r"))
    let ports = ModelPorts(builder.model.graph)
    #expect(ports.sentence?.hasPrefix("Takes x float[nx3]; gives r_out") == true)
    #expect(
      JSONValue.object(ports.members)["inputs"]
        == [["name": "x", "type": "float", "shape": ["n", 3]]])
    #expect(ModelPorts().members.isEmpty && ModelPorts().sentence == nil)
  }

  @Test func `a name in a file can't steer the terminal`() throws {
    var builder = GraphBuilder()
    let x = builder.quant(builder.input(), bits: 4, signed: false)
    let w = builder.quant(builder.constant([1], [1, 1]), bits: 4, signed: true)
    builder.output(builder.node("MatMul", [x, w], name: "a\u{1B}[2J\u{202E}\nb"))
    let result = try Verifier.verify(builder.model, accumulatorBits: 2)
    let report = InspectionReport(
      model: ModelSummary(builder.model, path: "m\u{7}.onnx"), result: result)
    for text in [report.text(), VerificationReport(path: "m", result: result).text()] {
      #expect(text.contains(#"a\u{1B}[2J\u{202E}\nb"#))
      #expect(
        text.unicodeScalars.allSatisfy { $0 == "\n" || $0.properties.generalCategory != .control })
    }
  }

  @Test(arguments: 1...130) func `a table is never wider than asked, down to its fixed columns`(
    _ width: Int
  ) throws {
    let report = try SnapshotTests.inspection(SampleModels.mixed())
    let table = LayerTable.inspection(report.layers, style: TextStyle(width: width))
    let widest = table.split(separator: "\n").map(\.count).max() ?? 0
    #expect(widest <= max(width, 36))
  }

  @Test func `the first overflow on the way is told as such`() throws {
    var builder = GraphBuilder()
    // Inputs 2 to 5: three products of one sign overflow, and the whole sum fits again.
    let x = builder.quant(builder.input(), bits: 2, signed: false, zeroPoint: -2)
    let w = builder.quant(builder.constant([3, 3, 3, -4, -4, -4], [6, 1]), bits: 3, signed: true)
    builder.output(builder.node("MatMul", [x, w], name: "fc"))
    let result = try Verifier.verify(builder.model, accumulatorBits: 6)
    let verdict = try #require(result.layers.first)
    let text = try #require(CounterexampleText.paragraph(verdict, style: TextStyle()))
    #expect(
      text == """
        fc, channel 0: 3 of 6 products, added first, sum to 45, outside -32 .. 31 (6 bits), for the input
          5 × 3, 2 × 3
        """)
  }

  @Test func `a model is called by the quantizers it holds`() {
    func format(_ body: (inout GraphBuilder) -> ValueID) -> ModelSummary.Format {
      var builder = GraphBuilder()
      builder.output(body(&builder))
      return ModelSummary(builder.model, path: "").format
    }
    #expect(format { $0.node("Relu", [$0.input()]) } == .float)
    #expect(format { $0.node("DequantizeLinear", [$0.input()]) } == .qcdq)
    #expect(
      format { builder in
        builder.quant(builder.node("DequantizeLinear", [builder.input()]), bits: 4, signed: true)
      } == .qonnx)
  }

  @Test func `a float model is summed up in one line`() throws {
    var builder = GraphBuilder()
    let x = builder.input()
    for name in ["a", "b"] {
      builder.output(builder.node("MatMul", [x, builder.constant([1], [1, 1])], name: name))
    }
    let result = try Verifier.verify(builder.model)
    #expect(
      VerdictText.summary(result, style: TextStyle())
        == "None of the model's 2 layers is quantized: there are no integers to certify.")
  }

  @Test func `a name that is longer than a line is shortened in its middle`() {
    let name = String(repeating: "a", count: 50) + "/end"
    let text = TextStyle(width: 20).wrap("node \(name) is float", first: 2, rest: 4)
    #expect(
      text == """
          node
            aaaaaaaa…aaa/end
            is float
        """)
  }
}
