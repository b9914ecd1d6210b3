import Plotting
import Verification

extension VerificationReport {
  /// The verdict as JUnit XML: a test case for each layer, and one for the model, each failed where it isn't certified.
  public var junit: String {
    let suite = "snug verify" + (result.registers.map { " --registers \($0.name)" } ?? "")
    let cases =
      result.layers.map { verdict in
        testCase(verdict.layer.name, verdict.findings.map(\.description))
      } + [
        testCase(
          "the model",
          result.findings.filter(\.preventsCertificate).map(\.description))
      ]
    let failures = cases.count { $0.isFailed }
    let head = #"<?xml version="1.0" encoding="UTF-8"?>"#
    let counts = #"tests="\#(cases.count)" failures="\#(failures)" errors="0" skipped="0""#
    let name = SVGText.escaped(suite)
    return """
      \(head)
      <testsuites \(counts)>
        <testsuite name="\(name)" \(counts)>
      \(cases.map(\.text).joined(separator: "\n"))
        </testsuite>
      </testsuites>

      """
  }

  private func testCase(_ name: String, _ reasons: [String]) -> (isFailed: Bool, text: String) {
    let tag =
      #"    <testcase classname="\#(SVGText.escaped(path))" name="\#(SVGText.escaped(name))""#
    if reasons.isEmpty { return (false, tag + "/>") }
    let message = SVGText.escaped(reasons.joined(separator: "; "))
    return (true, "\(tag)><failure message=\"\(message)\"/></testcase>")
  }
}
