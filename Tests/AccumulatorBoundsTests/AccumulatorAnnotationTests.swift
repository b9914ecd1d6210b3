import Testing

@testable import AccumulatorBounds
@testable import TensorCore

@Suite struct AccumulatorAnnotationTests {
  static let annotations = [
    AccumulatorAnnotation(
      layer: "conv1", output: "y", weight: "w", targetBits: 16, requiredBits: 15, inputBits: 4,
      inputSigned: false, method: "a2q+"),
    AccumulatorAnnotation(
      layer: "a \"quoted\" layer", output: "z", weight: "w2", targetBits: nil, requiredBits: 20,
      inputBits: 8, inputSigned: true, method: "unconstrained", biasBits: 12,
      tiling: .init(size: 64, outerBits: 22)),
  ]

  @Test func `what is encoded decodes equal`() throws {
    let text = AccumulatorAnnotation.encode(Self.annotations)
    #expect(try AccumulatorAnnotation.decode(text) == Self.annotations)
    #expect(try AccumulatorAnnotation.decode("[]") == [])
  }

  @Test func `the fields are the contract's, in its order`() {
    #expect(
      AccumulatorAnnotation.encode([Self.annotations[0]])
        == #"[{"layer":"conv1","output":"y","weight":"w","target_bits":16,"required_bits":15,"#
        + #""input_bits":4,"input_signed":false,"method":"a2q+"}]"#)
  }

  @Test(
    arguments: [
      ("{}", .notAnArray), ("[1]", .field("layer", entry: 0)),
      ("[", .malformed(JSONError(reason: .unexpectedEnd, offset: 1))),
    ] as [(String, AnnotationError)])
  func `other text is refused`(text: String, error: AnnotationError) {
    #expect(throws: error) { try AccumulatorAnnotation.decode(text) }
  }

  @Test func `a field, a layer or an output that is there twice is refused`() throws {
    let first = Self.annotations[0]
    let text = AccumulatorAnnotation.encode([first])
    for name in ["layer", "method", "target_bits"] {
      #expect(throws: AnnotationError.repeatedField(name, entry: 0)) {
        try AccumulatorAnnotation.decode(
          text.replacing("{", with: "{\"\(name)\":\(name == "target_bits" ? "3" : "\"a\""),"))
      }
    }
    var second = first
    second.output = "other"
    #expect(throws: AnnotationError.repeatedLayer("conv1")) {
      try AccumulatorAnnotation.decode(AccumulatorAnnotation.encode([first, second]))
    }
    second.layer = "other"
    second.output = "y"
    #expect(throws: AnnotationError.repeatedLayer("y")) {
      try AccumulatorAnnotation.decode(AccumulatorAnnotation.encode([first, second]))
    }
    second.output = "z"
    #expect(
      try AccumulatorAnnotation.decode(AccumulatorAnnotation.encode([first, second])).count == 2)
  }

  @Test(
    arguments: [
      ("\"required_bits\":15", "\"required_bits\":0", "required_bits"),
      ("\"input_bits\":4", "\"input_bits\":4.5", "input_bits"),
      ("\"target_bits\":16", "\"target_bits\":\"16\"", "target_bits"),
      ("\"target_bits\":16,", "", "target_bits"),
      ("false", "0", "input_signed"),
      ("}", ",\"bias_bits\":0}", "bias_bits"), ("}", ",\"tile_size\":4}", "outer_bits"),
      ("}", ",\"outer_bits\":20}", "tile_size"),
      ("}", ",\"outer_bits\":20,\"tile_size\":0}", "tile_size"),
    ])
  func `an invalid field is named with its entry`(from: String, to: String, field: String) {
    let text = AccumulatorAnnotation.encode([Self.annotations[0]]).replacing(from, with: to)
    #expect(throws: AnnotationError.field(field, entry: 0)) {
      try AccumulatorAnnotation.decode(text)
    }
  }
}
