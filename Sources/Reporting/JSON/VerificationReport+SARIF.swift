import TensorCore
import Verification

extension VerificationReport {
  /// The verdict as a SARIF 2.1.0 log: one result for each layer that is not certified, and for each finding about the
  /// model that prevents a certificate.
  ///
  /// - Parameter version: of the tool.
  public func sarif(version: String) -> JSONValue {
    let layers = result.layers.filter { !$0.isCertified }.map { verdict in
      sarifResult(
        verdict.findings.map(\.description).joined(separator: "; "), layer: verdict.layer.name,
        isRefuted: verdict.findings.contains(where: \.isRefutation))
    }
    let model = result.findings.filter(\.preventsCertificate).map {
      sarifResult($0.description, layer: nil, isRefuted: $0.isRefutation)
    }
    let rules: [JSONValue] = [
      [
        "id": "refuted",
        "shortDescription": [
          "text":
            "Some input drives an accumulator out of its range, or the file contradicts itself"
        ],
      ],
      [
        "id": "not-certifiable",
        "shortDescription": ["text": "It isn't known whether the accumulators hold every sum"],
      ],
    ]
    let driver: JSONValue = [
      "name": "snug", "version": .string(version), "rules": .array(rules),
    ]
    return [
      "$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0",
      "runs": [["tool": ["driver": driver], "results": .array(layers + model)]],
    ]
  }

  private func sarifResult(_ text: String, layer: String?, isRefuted: Bool) -> JSONValue {
    var location = [JSONMember("physicalLocation", ["artifactLocation": ["uri": .string(path)]])]
    if let layer {
      location.append(
        JSONMember("logicalLocations", [["name": .string(layer), "kind": "member"]]))
    }
    return [
      "ruleId": .string(isRefuted ? "refuted" : "not-certifiable"),
      "level": .string(isRefuted ? "error" : "warning"),
      "message": ["text": .string((layer.map { "\($0): " } ?? "") + text)],
      "locations": [.object(location)],
    ]
  }
}
