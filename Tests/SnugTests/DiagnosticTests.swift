import Testing

@testable import Snug

@Suite struct DiagnosticTests {
  @Test func `a diagnostic reads file, subject, message, hint`() {
    let diagnostic = Diagnostic(
      .model, file: "a.onnx", subject: "node 'conv1' (Conv)", "attribute 'group' is 0",
      hint: "export the model again")
    #expect(
      diagnostic.description
        == "a.onnx: node 'conv1' (Conv): attribute 'group' is 0; export the model again")
  }

  @Test func `names from a file can't forge a second line or control a terminal`() {
    let diagnostic = Diagnostic(
      .model, file: "a.onnx", subject: "node 'x\nerror: y\u{1B}[31m\u{2028}\u{202E}'", "bad")
    #expect(
      diagnostic.description
        == #"a.onnx: node 'x\nerror: y\u{1B}[31m\u{2028}\u{202E}': bad"#)
  }

  @Test func `causes are drawn as a tree, one line each`() {
    let diagnostic = Diagnostic(
      .conversion, "top",
      causes: [
        Diagnostic(.conversion, "first", causes: [Diagnostic(.model, "inner")]),
        Diagnostic(.conversion, "second"),
      ])
    #expect(
      diagnostic.tree == """
        top
        ├─ first
        │  └─ inner
        └─ second
        """)
  }

  @Test(arguments: [
    ("weigth-bits", "weight-bits"), ("accumulator", "accumulator-bits"), ("inti", "init"),
    ("nothing-alike", nil), (String(repeating: "x", count: 100_000), nil),
  ])
  func `a misspelt word finds its neighbour`(word: String, expected: String?) {
    let words = ["weight-bits", "accumulator-bits", "init"]
    #expect(Spelling.nearest(to: word, among: words) == expected)
  }
}
