import TensorCore

extension SweepResult {
  /// The schema of the document, which also holds what a sweep needs to go on.
  public static let schema = "snug-sweep-1"

  /// The document `sweep.json`, the same bytes for the same result.
  public var json: JSONValue {
    [
      "schema": .string(Self.schema), "model": .string(model), "identity": identity,
      "metric": .string(metric.name), "higher_is_better": .bool(metric.higherIsBetter),
      "loss_unit": .string(metric.lossUnit), "float": .number(floatValue),
      "samples": JSONValue(samples), "points": .array(rows.map { json($0) }),
      "recommendation": recommendation?.json ?? .null,
    ]
  }

  private func json(_ row: SweepRow) -> JSONValue {
    let setting = row.point.setting
    var members = [
      JSONMember("method", .string(setting.method)),
      JSONMember("weight_bits", JSONValue(setting.weightBits)),
      JSONMember("activation_bits", JSONValue(setting.activationBits)),
      JSONMember("accumulator_bits", setting.accumulatorBits.map { JSONValue($0) } ?? .null),
      JSONMember("seed", JSONValue(row.point.seed)),
    ]
    switch row.outcome {
    case .measured(let found):
      members.append(JSONMember("value", .number(found.value)))
      members.append(
        JSONMember("loss", .number(metric.loss(of: found.value, from: floatValue))))
      if let top5 = found.top5 { members.append(JSONMember("top5", .number(top5))) }
      if let entropy = found.crossEntropy {
        members.append(JSONMember("cross_entropy", .number(entropy)))
      }
      members.append(
        JSONMember("required_bits", found.requiredBits.map { JSONValue($0) } ?? .null))
      members.append(JSONMember("not_held", JSONValue(found.unheldLayers)))
    case .refused(let reason): members.append(JSONMember("refused", .string(reason)))
    }
    return .object(members)
  }

  /// The rows of a document; `nil` where it isn't one of ``schema``, or a row of it is malformed.
  public static func rows(in document: JSONValue) -> [SweepRow]? {
    guard document["schema"]?.stringValue == schema, let points = document["points"]?.arrayValue
    else { return nil }
    let rows = points.compactMap(SweepRow.init(json:))
    return rows.count == points.count ? rows : nil
  }
}

extension SweepRow {
  fileprivate init?(json: JSONValue) {
    guard let method = json["method"]?.stringValue,
      let weightBits = json["weight_bits"]?.integerValue,
      let activationBits = json["activation_bits"]?.integerValue,
      let seed = json["seed"]?.integerValue
    else { return nil }
    let setting = SweepPoint.Setting(
      method: method, weightBits: Int(weightBits), activationBits: Int(activationBits),
      accumulatorBits: json["accumulator_bits"]?.integerValue.map { Int($0) })
    point = SweepPoint(setting, seed: Int(seed))
    if let reason = json["refused"]?.stringValue {
      outcome = .refused(reason)
    } else if let value = json["value"]?.doubleValue {
      outcome = .measured(
        Measurement(
          value: value, top5: json["top5"]?.doubleValue,
          crossEntropy: json["cross_entropy"]?.doubleValue,
          requiredBits: json["required_bits"]?.integerValue.map { Int($0) },
          unheldLayers: json["not_held"]?.integerValue.map { Int($0) } ?? 0))
    } else {
      return nil
    }
  }
}

extension SweepRecommendation {
  fileprivate var json: JSONValue {
    [
      "method": .string(setting.method), "weight_bits": JSONValue(setting.weightBits),
      "activation_bits": JSONValue(setting.activationBits),
      "accumulator_bits": setting.accumulatorBits.map { JSONValue($0) } ?? .null,
      "seed": JSONValue(seed), "limit": .number(limit), "value": .number(value),
      "loss": .number(loss), "output": .string(output), "command": .string(command),
    ]
  }
}

extension SweepResult {
  /// The table `sweep.csv`: a line for each point, in the order of points.
  public var csv: String {
    var lines = [
      "method,weight_bits,activation_bits,accumulator_bits,seed,metric,float,value,loss,top5,cross_entropy,required_bits,not_held,refused"
    ]
    for row in rows {
      let setting = row.point.setting
      func number(_ value: Double?) -> String { value.map { JSONValue.number($0).text() } ?? "" }
      func whole(_ value: Int?) -> String { value.map { "\($0)" } ?? "" }
      let found = row.measurement
      var cells = [
        setting.method, "\(setting.weightBits)", "\(setting.activationBits)",
        whole(setting.accumulatorBits), "\(row.point.seed)", metric.name, number(floatValue),
        number(found?.value), number(found.map { metric.loss(of: $0.value, from: floatValue) }),
        number(found?.top5), number(found?.crossEntropy), whole(found?.requiredBits),
        whole(found?.unheldLayers),
      ]
      if case .refused(let reason) = row.outcome {
        let doubled = reason.printable.split(separator: "\"", omittingEmptySubsequences: false)
          .joined(separator: "\"\"")
        cells.append("\"\(doubled)\"")
      } else {
        cells.append("")
      }
      lines.append(cells.joined(separator: ","))
    }
    return lines.joined(separator: "\n") + "\n"
  }
}
