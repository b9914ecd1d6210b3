import AccumulatorBounds
import GraphIR
import TensorCore
import TestSupport
import Testing

@testable import Verification

/// What the file says about its accumulators, held against its integers.
@Suite struct AnnotationTests {
  /// One layer that needs 7 bits: weights 1 and -3 on unsigned four-bit inputs, -45 to 15.
  static func builder(finn: String? = nil) -> GraphBuilder {
    var builder = GraphBuilder()
    let x = builder.quant(builder.input(), bits: 4, signed: false)
    let w = builder.quant(
      builder.constant([1, -3], [1, 2], name: "w"), bits: 3, signed: true, narrow: true)
    let y = builder.node(
      "Gemm", [x, w], [Attribute("transB", .int(1))], name: "fc")
    if let finn { builder.graph[y].annotations = [KeyValue("finn_datatype", finn)] }
    builder.output(y)
    return builder
  }

  static func entry(
    layer: String = "fc", output: String = "fc_out", target: Int? = 8, required: Int = 7,
    bits: Int = 4, signed: Bool = false
  ) -> AccumulatorAnnotation {
    AccumulatorAnnotation(
      layer: layer, output: output, weight: "w", targetBits: target, requiredBits: required,
      inputBits: bits, inputSigned: signed, method: "a2q+")
  }

  static func annotated(_ entry: AccumulatorAnnotation, finn: String? = nil) -> GraphBuilder {
    var builder = Self.builder(finn: finn)
    builder.metadata = [
      KeyValue(AccumulatorAnnotation.metadataKey, AccumulatorAnnotation.encode([entry]))
    ]
    return builder
  }

  @Test func `a true annotation is certified at its own width`() throws {
    let result = try Self.annotated(Self.entry(), finn: "SCALEDINT<8>").verify()
    #expect(result.isCertified)
    #expect(result.layers[0].targetBits == 8)
    #expect(result.layers[0].normBudget(ofChannel: 0) == 16)
  }

  @Test func `without any width nothing is certified`() throws {
    let result = try Self.builder().verify()
    #expect(!result.isCertified)
    #expect(!result.isRefuted)
    #expect(result.layers[0].findings == [.noTarget])
  }

  @Test(arguments: [("SCALEDINT<7>", true), ("INT7", true), ("SCALEDINT<6>", false)])
  func `a FINN data type is a width`(_ name: String, _ holds: Bool) throws {
    let result = try Self.builder(finn: name).verify()
    #expect(result.isCertified == holds)
    #expect(result.isRefuted == !holds)
  }

  @Test(arguments: ["FLOAT32", "SCALEDINT<>", "SCALEDINT<99>", "INT", "UINT8", "SCALEDINT<-3>"])
  func `another data type is none`(_ name: String) throws {
    #expect(try Self.builder(finn: name).verify().layers[0].findings == [.noTarget])
  }

  @Test func `a width that the caller gives replaces the file's`() throws {
    let result = try Self.annotated(Self.entry()).verify(6)
    #expect(result.layers[0].targetBits == 6)
    #expect(
      result.layers[0].findings == [.overflow(channels: 1, targetBits: 6, requiredBits: 7)])
    #expect(result.layers[0].counterexample?.input == [0, 15])
    #expect(result.layers[0].counterexample?.sum == -45)
  }

  @Test(arguments: [
    (entry(required: 6), AnnotationField.requiredBits, "6", "7"),
    (entry(required: 8), .requiredBits, "8", "7"),
    (entry(bits: 5), .inputBits, "5", "4"),
    (entry(signed: true), .inputSigned, "true", "false"),
  ])
  func `a false statement is refuted, whatever width is asked for`(
    _ entry: AccumulatorAnnotation, _ field: AnnotationField, _ stated: String, _ actual: String
  ) throws {
    for width in [nil, 32] {
      let result = try Self.annotated(entry).verify(width)
      #expect(
        result.layers[0].findings == [
          .contradiction(field: field, stated: stated, actual: actual)
        ])
      #expect(result.isRefuted)
    }
  }

  @Test func `a width that the integers exceed is refuted by an input`() throws {
    let result = try Self.annotated(Self.entry(target: 5)).verify()
    #expect(result.isRefuted)
    #expect(result.layers[0].counterexample?.sum == -45)
  }

  @Test func `metadata and FINN data type must agree`() throws {
    let result = try Self.annotated(Self.entry(), finn: "SCALEDINT<9>").verify()
    #expect(
      result.layers[0].findings == [
        .contradiction(field: .finnDatatype, stated: "9", actual: "8")
      ])
  }

  @Test func `a renamed node is matched by its output, a renamed output by its node`() throws {
    #expect(try Self.annotated(Self.entry(layer: "other")).verify().isCertified)
    #expect(try Self.annotated(Self.entry(output: "other")).verify().isCertified)
  }

  @Test func `an entry without a layer is reported and binds nothing`() throws {
    let result = try Self.annotated(Self.entry(layer: "gone", output: "gone_out")).verify()
    #expect(result.findings == [.unmatchedAnnotation(layer: "gone")])
    #expect(result.layers[0].findings == [.noTarget])
  }

  @Test(arguments: ["", "{}", "[{}]", "[", "[{\"layer\": 3}]"])
  func `metadata that can't be read prevents a certificate`(_ text: String) throws {
    var builder = Self.builder(finn: "SCALEDINT<8>")
    builder.metadata = [KeyValue(AccumulatorAnnotation.metadataKey, text)]
    let result = try builder.verify()
    #expect(!result.isCertified)
    guard case .malformedAnnotations? = result.findings.first else {
      Issue.record("expected a malformed annotation")
      return
    }
  }

  @Test(arguments: [
    ("SCALEDINT<4>", true), ("UINT4", true), ("FLOAT32", true), ("SCALEDINT<3>", false),
    ("INT4", false), ("UINT8", false),
  ])
  func `a quantizer's data type must be what it gives`(_ stated: String, _ holds: Bool) throws {
    var builder = Self.builder(finn: "SCALEDINT<8>")
    let quantizer = try #require(builder.graph.value(named: "Quant_out"))
    builder.graph[quantizer].annotations = [KeyValue("finn_datatype", stated)]
    let result = try builder.verify()
    #expect(result.isCertified == holds)
    #expect(result.isRefuted == !holds)
    if !holds {
      #expect(
        result.findings == [
          .contradictedDatatype(value: "Quant_out", stated: stated, actual: "UINT4")
        ])
    }
  }
}
