import TensorCore

extension ModelComparison {
  /// The document of `compare --json`.
  public var json: JSONValue {
    var members = [
      JSONMember("reference", .string(reference)), JSONMember("model", .string(model)),
      JSONMember("samples", JSONValue(samples)),
    ]
    if let metric {
      members.append(
        JSONMember(
          "metric",
          [
            "metric": .string(metric.metric.name), "reference": .number(metric.reference),
            "model": .number(metric.model),
            "loss": .number(metric.metric.loss(of: metric.model, from: metric.reference)),
            "samples": JSONValue(metric.samples),
          ]))
    }
    members.append(JSONMember("outputs", .array(outputs.map(\.json))))
    members.append(JSONMember("layers", .array(layers.map(\.json))))
    if sources != .null { members.append(JSONMember("sources", sources)) }
    return .object(members)
  }
}

extension SignalToNoise {
  /// The ratio in dB, and whether both are equal, for which there is none.
  fileprivate func members(_ name: String) -> [JSONMember] {
    [
      JSONMember("\(name)_snr_db", decibels.map { .number($0) } ?? .null),
      JSONMember("\(name)_exact", .bool(isExact)),
    ]
  }
}

extension OutputComparison {
  fileprivate var json: JSONValue {
    .object(
      [
        JSONMember("name", .string(name)),
        JSONMember("snr_db", ratio.decibels.map { .number($0) } ?? .null),
        JSONMember("exact", .bool(ratio.isExact)),
        JSONMember("cosine", cosine.map { .number($0) } ?? .null),
        JSONMember("largest_deviation", .number(largestDeviation)),
        JSONMember("largest_magnitude", .number(largestMagnitude)),
      ])
  }
}

extension LayerComparison {
  fileprivate var json: JSONValue {
    var members = [JSONMember("name", .string(name)), JSONMember("op", .string(op))]
    members += alone?.members("alone") ?? [JSONMember("alone_snr_db", .null)]
    members += inPlace?.members("in_place") ?? [JSONMember("in_place_snr_db", .null)]
    members.append(
      JSONMember(
        "worst_channel",
        worstChannel.map { channel in
          [
            "index": JSONValue(channel.index),
            "snr_db": channel.ratio.decibels.map { .number($0) } ?? .null,
          ]
        } ?? .null))
    func number(_ value: Double?) -> JSONValue { value.map { .number($0) } ?? .null }
    members += [
      JSONMember("clipped_share", number(clippedShare)),
      JSONMember("saturated_share", number(saturatedShare)),
      JSONMember("budget_use_mean", number(budgetUse?.mean)),
      JSONMember("budget_use_most", number(budgetUse?.most)),
      JSONMember("activations", activations?.json ?? .null),
    ]
    return .object(members)
  }
}
