import AccumulatorBounds
import TensorCore
import Verification

/// The full certificate: what is claimed about which bytes and under which conditions, and the numbers of every
/// channel on which the claim rests, so that anyone can check it.
public struct Certificate: Sendable {
  public var model: ModelSummary
  /// The model's file, then the files with its external data.
  public var files: [FileIdentity]
  public var conditions: VerificationConditions
  public var result: VerificationResult

  public init(
    model: ModelSummary, files: [FileIdentity], conditions: VerificationConditions,
    result: VerificationResult
  ) {
    self.model = model
    self.files = files
    self.conditions = conditions
    self.result = result
  }

  /// The name and version of the document's format.
  public static let schema = "snug.certificate/3"

  /// The document, whose members are in a fixed order.
  public var json: JSONValue {
    var members: [JSONMember] = [
      JSONMember("schema", .string(Self.schema)),
      JSONMember("statement", .string(Self.statement)),
      JSONMember("model", model.json),
      JSONMember("files", .array(files.map(\.json))),
      JSONMember("conditions", conditions.json),
      JSONMember("certified", .bool(result.isCertified)),
      JSONMember("layers", .array(result.layers.map(\.certificateJSON))),
    ]
    members += result.reasonMembers
    return .object(members)
  }

  /// Finds where a document differs from this certificate; the names of files and the model's path don't count.
  ///
  /// - Returns: the first differences, at most `limit`, each with its place in the document.
  public func differences(from document: JSONValue, limit: Int = 5) -> [String] {
    // Parsed again, so that numbers are compared as they are written.
    guard let own = try? JSONValue(parsing: json.text()) else { return ["the document"] }
    var found: [String] = []
    // For another file every number differs: the files alone are reported.
    if let files = own["files"], let theirs = document["files"] {
      Self.compare(files, theirs, at: "files", into: &found, limit: limit)
      if !found.isEmpty { return found }
    }
    Self.compare(own, document, at: "", into: &found, limit: limit)
    return found
  }

  private static func compare(
    _ own: JSONValue, _ other: JSONValue, at place: String, into found: inout [String], limit: Int
  ) {
    guard found.count < limit, place != "model.path",
      !place.hasSuffix("].name") || !place.hasPrefix("files")
    else { return }
    switch (own, other) {
    case (.object(let own), .object(let other)):
      func inside(_ key: String) -> String { place.isEmpty ? key : "\(place).\(key)" }
      var names: Set<String> = []
      for member in other where !names.insert(member.key).inserted {
        found.append("\(inside(member.key)) is there twice")
      }
      let theirs = Dictionary(other.map { ($0.key, $0.value) }) { first, _ in first }
      for member in own {
        let inside = inside(member.key)
        guard let value = theirs[member.key] else {
          found.append("\(inside) is missing")
          continue
        }
        compare(member.value, value, at: inside, into: &found, limit: limit)
      }
      let known = Set(own.map(\.key))
      for member in other where !known.contains(member.key) {
        found.append("\(inside(member.key)) is not part of it")
      }
    case (.array(let own), .array(let other)):
      guard own.count == other.count else {
        found.append("\(place) has \(other.count) entries instead of \(own.count)")
        return
      }
      for (index, pair) in zip(own, other).enumerated() {
        compare(pair.0, pair.1, at: "\(place)[\(index)]", into: &found, limit: limit)
      }
    default:
      if own != other { found.append("\(place) is \(other.text()) instead of \(own.text())") }
    }
  }

  /// What `certified` means for a layer, as the document says it.
  static let statement = """
    Every partial sum of a certified layer's products and counted biases, in any order and for every input in \
    integer_min...integer_max, lies in -2^(P-1)...2^(P-1)-1 with P = target_bits. Inputs and weights \
    are integers less their zero points. Where there is a tile_size, that holds for each run of so many products \
    in the weight tensor's order, or as products and operands say, and every sum of such runs and biases fits outer_bits likewise. Where \
    bias_included is false, no bias counts: it is added to real numbers, after the accumulator. docs/certificate.md \
    defines the terms and lists what is taken for granted.
    """
}

/// A file, identified by its content.
public struct FileIdentity: Sendable, Hashable {
  /// The last component of the file's path.
  public var name: String
  public var byteCount: Int
  /// The SHA-256 digest of the content in lower-case hexadecimal digits.
  public var sha256: String

  public init(name: String, byteCount: Int, sha256: String) {
    self.name = name
    self.byteCount = byteCount
    self.sha256 = sha256
  }

  package var json: JSONValue {
    ["name": .string(name), "bytes": JSONValue(byteCount), "sha256": .string(sha256)]
  }
}

extension VerificationConditions {
  fileprivate var json: JSONValue {
    [
      "accumulator_bits": accumulatorBits.map { JSONValue($0) } ?? .null,
      "registers": registers.map(\.json) ?? .null,
      "assume_no_layers_in": .array(assumptions.map(\.description).sorted().map { .string($0) }),
      "strict": .bool(isStrict),
    ]
  }

  /// Reads the conditions of a certificate; `nil` where the JSON isn't such.
  public init?(json: JSONValue) {
    guard let strict = json["strict"]?.boolValue,
      let names = json["assume_no_layers_in"]?.arrayValue, let bits = json["accumulator_bits"]
    else { return nil }
    var assumptions: Set<OperatorName> = []
    for name in names {
      guard let text = name.stringValue, let name = OperatorName(text) else { return nil }
      assumptions.insert(name)
    }
    var width: Int?
    if bits != .null {
      guard let value = bits.integerValue, (1...64).contains(value) else { return nil }
      width = Int(value)
    }
    var registers: Registers?
    if let description = json["registers"], description != .null {
      guard let read = try? Registers(json: description) else { return nil }
      registers = read
    }
    self.init(
      accumulatorBits: width, registers: registers, assumptions: assumptions, isStrict: strict)
  }
}
