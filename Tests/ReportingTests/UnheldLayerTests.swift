import GraphIR
import TensorCore
import TestSupport
import Testing
import Verification

@testable import Reporting

/// What a file says that its conversion didn't hold to the width that was asked for.
@Suite struct UnheldLayerTests {
  private static func layer(_ name: String, asked: Int, _ reason: String) -> UnheldLayer {
    UnheldLayer(
      name: name, askedBits: asked, targetBits: nil, reason: reason, isByOptions: false)
  }

  /// Two products of a 4-bit integer and 1, of which each needs 5 bits.
  private static func model(_ stated: [UnheldLayer]) -> Model {
    var builder = GraphBuilder()
    for name in ["a", "b"] {
      let x = builder.quant(builder.input(name + "_x"), bits: 4, signed: false)
      let w = builder.quant(builder.constant([1], [1, 1]), bits: 4, signed: true)
      builder.output(builder.node("MatMul", [x, w], name: name))
    }
    var model = builder.model
    UnheldLayer.state(stated, in: &model)
    return model
  }

  private static func report(_ model: Model, bits: Int? = nil) throws -> InspectionReport {
    let result = try Verifier.verify(model, accumulatorBits: bits)
    return InspectionReport(
      model: ModelSummary(model, path: "model.onnx"), result: result,
      unheld: UnheldLayer.stated(in: model, result))
  }

  @Test func `text, JSON and page name each layer with the reason`() throws {
    let report = try Self.report(
      Self.model([
        Self.layer("a", asked: 4, "it is <first>"), Self.layer("b", asked: 4, "it is <first>"),
      ]))
    let text = report.text(style: TextStyle())
    #expect(
      text.contains(
        """
        Not held to the width that was asked for: 2 of 2 dot products
          a, b: not certified, since it is <first>

        """))
    let entries = try #require(report.json["not_held"]?.arrayValue)
    #expect(entries.map { $0["name"]?.stringValue } == ["a", "b"])
    #expect(entries.allSatisfy { $0["reason"]?.stringValue == "it is <first>" })
    let page = ModelPage([ModelPage.Subject(report: report)]).html
    #expect(page.contains("Not held to the width that was asked for: 2 of 2 dot products"))
    #expect(page.contains("not certified, since it is &lt;first&gt;"))
    #expect(page.contains("<span>a</span><span>b</span>"))
  }

  @Test func `a file in which all is held says nothing of it`() throws {
    let report = try Self.report(Self.model([]))
    #expect(report.json["not_held"] == nil)
    #expect(!report.text(style: TextStyle()).contains("Not held"))
    #expect(!ModelPage([ModelPage.Subject(report: report)]).html.contains("Not held"))
  }

  @Test func `what the verifier finds held, and layers that aren't there, are left out`() throws {
    let stated = [
      Self.layer("a", asked: 8, "stale"), Self.layer("b", asked: 4, "still"),
      Self.layer("gone", asked: 4, "renamed"),
    ]
    let report = try Self.report(Self.model(stated), bits: 8)
    #expect(report.unheld.map(\.name) == ["b"])
    #expect(report.unheld.map(\.targetBits) == [8])
  }

  @Test(arguments: ["", "{", "[]", "[1]", #"[{"name": "a"}]"#, #"{"name": "a"}"#])
  func `a text that can't be read says nothing`(_ text: String) throws {
    var model = Self.model([])
    model.setMetadata(UnheldLayer.metadataKey, text)
    #expect(try Self.report(model).unheld.isEmpty)
  }

  @Test func `a conversion that holds all takes back what a file said before`() {
    var model = Self.model([Self.layer("a", asked: 4, "first")])
    UnheldLayer.state([], in: &model)
    #expect(!model.metadata.contains { $0.key == UnheldLayer.metadataKey })
  }
}
