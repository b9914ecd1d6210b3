import TensorCore
import Verification

/// Whether a certificate holds for a model.
public struct CertificateCheck: Sendable {
  /// The document's path.
  public var certificate: String
  /// The verdict on the model under the certificate's conditions.
  public var report: VerificationReport
  /// The first places where the document differs from what the verifier finds; empty where there is none.
  public var differences: [String]

  public init(certificate: String, report: VerificationReport, differences: [String]) {
    self.certificate = certificate
    self.report = report
    self.differences = differences
  }

  /// Whether the document is what the verifier finds, and the model is certified.
  public var holds: Bool { differences.isEmpty && report.result.isCertified }

  /// The document of `verify --check --json`, whose members are in a fixed order.
  public var json: JSONValue {
    guard case .object(let members) = report.json else { return report.json }
    return .object(
      [
        JSONMember("holds", .bool(holds)),
        JSONMember("differences", .array(differences.map { .string($0) })),
      ] + members)
  }

  /// The answer for people.
  public func text(style: TextStyle = TextStyle()) -> String {
    var lines = report.text(style: style)
    lines += "\n"
    if differences.isEmpty {
      lines += style.wrap(
        "\(certificate) says the same, number by number"
          + (report.result.isCertified ? ": the certificate holds." : "."))
    } else {
      lines += style.wrap("\(certificate) is not a certificate of this file:")
      for difference in differences {
        lines += "\n" + style.wrap(difference, first: 2, rest: 4)
      }
    }
    return lines + "\n"
  }
}
