import AccumulatorBounds
import TensorCore
import Verification

extension LayerVerdict {
  /// The layer in `inspect --json`.
  var inspectionJSON: JSONValue {
    let layer = layer
    var members: [JSONMember] = [
      JSONMember("name", .string(layer.name)),
      JSONMember("op", .string(layer.op)),
      JSONMember("output", .string(layer.output)),
      JSONMember("quantized", .bool(layer.isQuantized)),
      JSONMember("dot_length", JSONValue(layer.dotLength)),
      JSONMember("weight", layer.weight?.json ?? .null),
      JSONMember("input", layer.input?.json ?? .null),
      JSONMember(
        "accumulator",
        .object(
          [
            JSONMember("target_bits", JSONValue(targetBits)),
            JSONMember("required_bits", JSONValue(requiredBits)),
            JSONMember("data_type_bits", JSONValue(layer.dataTypeBits)),
            JSONMember("certified", .bool(isCertified)),
            JSONMember("bias_included", .bool(layer.bias != nil)),
          ] + tileMembers)),
      JSONMember(
        "channels",
        .array(
          layer.channels.enumerated().map {
            $1.json(
              index: $0, budget: normBudget(ofChannel: $0),
              bias: layer.bias == nil ? nil : layer.biasRange(ofChannel: $0),
              tiles: tiles?.channels[$0])
          })),
    ]
    members += reasonMembers
    return .object(members)
  }

  /// The layer in `verify --json`.
  var verificationJSON: JSONValue {
    var members: [JSONMember] = [
      JSONMember("name", .string(layer.name)),
      JSONMember("target_bits", JSONValue(targetBits)),
      JSONMember("required_bits", JSONValue(requiredBits)),
      JSONMember("certified", .bool(isCertified)),
      JSONMember("bias_included", .bool(layer.bias != nil)),
    ]
    members += tileMembers
    if let counterexample { members.append(JSONMember("counterexample", counterexample.json)) }
    members += reasonMembers
    return .object(members)
  }

  /// The layer in a certificate: all that is known about it.
  var certificateJSON: JSONValue {
    guard case .object(var members) = inspectionJSON else { return inspectionJSON }
    if let counterexample { members.append(JSONMember("counterexample", counterexample.json)) }
    let extremes = layer.extremes
    if !extremes.isEmpty {
      members.append(JSONMember("extremes", .array(extremes.map(\.json))))
    }
    return .object(members)
  }

  /// The registers of a layer that sums in two stages; absent for one with a single register.
  private var tileMembers: [JSONMember] {
    guard let tiles else { return [] }
    return [
      JSONMember("tile_size", JSONValue(tiles.size)),
      JSONMember("outer_bits", JSONValue(tiles.outerBits)),
      JSONMember("outer_required_bits", JSONValue(tiles.outerRequiredBits)),
    ] + tiles.tiling.orderMembers
  }

  /// Why the layer is not certified; absent where it is.
  private var reasonMembers: [JSONMember] {
    findings.isEmpty
      ? [] : [JSONMember("reasons", .array(findings.map { .string($0.description) }))]
  }
}

extension WeightSummary {
  fileprivate var json: JSONValue {
    [
      "bits": JSONValue(bits), "signed": .bool(signed), "narrow": .bool(narrow),
      "scales": .array(scales.map { JSONValue.number($0) }),
      "zero_fraction": .number(zeroFraction),
    ]
  }
}

extension InputSummary {
  fileprivate var json: JSONValue {
    [
      "bits": JSONValue(bits), "signed": .bool(signed),
      "scale": scale.map { JSONValue.number($0) } ?? .null, "zero_point": JSONValue(zeroPoint),
      "integer_min": JSONValue(integerMinimum), "integer_max": JSONValue(integerMaximum),
    ]
  }
}

extension ChannelBounds {
  /// - Parameter tiles: the extremes of the registers of a sum in two stages, or `nil`.
  fileprivate func json(
    index: Int, budget: Int64?, bias: ClosedRange<Int64>?, tiles: TiledWorstCase?
  )
    -> JSONValue
  {
    let worstCase = tiles?.outer ?? worstCase
    var members: [JSONMember] = [
      JSONMember("index", JSONValue(index)), JSONMember("l1_norm", JSONValue(l1Norm)),
      JSONMember("positive_sum", JSONValue(sums.positive)),
      JSONMember("negative_sum", JSONValue(sums.negative)),
      JSONMember("budget", JSONValue(budget)), JSONMember("minimum", JSONValue(worstCase.minimum)),
      JSONMember("maximum", JSONValue(worstCase.maximum)),
      JSONMember("required_bits", JSONValue(tiles?.inner.requiredBits ?? requiredBits)),
    ]
    if let tiles {
      members.append(JSONMember("outer_required_bits", JSONValue(tiles.outer.requiredBits)))
      members.append(JSONMember("tile_minimum", JSONValue(tiles.inner.minimum)))
      members.append(JSONMember("tile_maximum", JSONValue(tiles.inner.maximum)))
    }
    if let bias, bias.count == 1 {
      members.append(JSONMember("bias", JSONValue(bias.lowerBound)))
    } else if let bias {
      members.append(JSONMember("bias_minimum", JSONValue(bias.lowerBound)))
      members.append(JSONMember("bias_maximum", JSONValue(bias.upperBound)))
    }
    return .object(members)
  }
}

extension ChannelCounterexample {
  fileprivate var json: JSONValue {
    var members: [JSONMember] = [
      JSONMember("channel", JSONValue(channel)),
      JSONMember("input", .array(input.map { JSONValue($0) })),
      JSONMember("sum", JSONValue(sum)),
    ]
    if let bias { members.append(JSONMember("bias", JSONValue(bias))) }
    if let tile { members.append(JSONMember("tile", JSONValue(tile))) }
    if operands != .values { members.append(JSONMember("operands", .string(operands.rawValue))) }
    if let prefix {
      members.append(JSONMember("prefix", .array(prefix.map { JSONValue($0) })))
    }
    return .object(members)
  }
}

extension ExtremalInput {
  fileprivate var json: JSONValue {
    [
      "channel": JSONValue(channel), "input": .array(input.map { JSONValue($0) }),
      "products": .array(products.map { JSONValue($0) }), "bias": JSONValue(bias),
      "sum": JSONValue(sum),
    ]
  }
}

extension JSONValue {
  /// An integer, or `null` where it is unknown.
  fileprivate init(_ value: (some BinaryInteger)?) {
    self = value.map { JSONValue($0) } ?? .null
  }
}
