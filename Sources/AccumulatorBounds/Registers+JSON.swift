import TensorCore

extension Registers {
  /// The description as JSON, whose members are those of a file.
  public var json: JSONValue {
    [
      "name": .string(name), "operands": .string(operands.rawValue),
      "stages": .array(stages.map(\.json)), "source": .string(source),
    ]
  }

  /// Reads a description.
  ///
  /// - Throws: ``RegistersError`` for the first member that can't be used.
  public init(json: JSONValue) throws(RegistersError) {
    try Self.check(json, "the description", ["name", "operands", "stages", "source"])
    guard let name = json["name"]?.stringValue, !name.isEmpty else {
      throw .member("name", expected: "a text")
    }
    guard let list = json["stages"]?.arrayValue else {
      throw .member("stages", expected: "a list of one or two stages")
    }
    var stages: [Stage] = []
    for stage in list { stages.append(try Stage(json: stage)) }
    var source = ""
    if let member = json["source"] {
      guard let text = member.stringValue else { throw .member("source", expected: "a text") }
      source = text
    }
    try self.init(
      name: name, stages: stages,
      operands: try Self.choice(json["operands"], "operands") ?? .values, source: source)
  }

  fileprivate static func check(_ json: JSONValue, _ what: String, _ names: [String])
    throws(RegistersError)
  {
    guard case .object(let members) = json else { throw .member(what, expected: "a mapping") }
    if let other = members.first(where: { !names.contains($0.key) }) {
      throw .unknownMember(other.key)
    }
  }

  fileprivate static func choice<Value: RawRepresentable<String> & CaseIterable>(
    _ json: JSONValue?, _ name: String
  ) throws(RegistersError) -> Value? {
    guard let json else { return nil }
    guard let value = json.stringValue.flatMap({ Value(rawValue: $0) }) else {
      throw .member(
        name, expected: "one of " + Value.allCases.map(\.rawValue).joined(separator: ", "))
    }
    return value
  }
}

extension Registers: CustomStringConvertible {
  /// The name of registers that have one, else the description itself as JSON.
  public var description: String { Registers.named(name) == self ? name : json.text() }
}

extension Registers.Stage {
  fileprivate var json: JSONValue {
    var members = [
      JSONMember("length", length.map { JSONValue($0) } ?? .null),
      JSONMember("bits", bits.map { JSONValue($0) } ?? .null),
      JSONMember("overflow", .string(overflow.rawValue)),
    ]
    if length != nil { members.append(JSONMember("products", products.json)) }
    return .object(members)
  }

  fileprivate init(json: JSONValue) throws(RegistersError) {
    try Registers.check(json, "stage", ["length", "bits", "overflow", "products"])
    func number(_ name: String) throws(RegistersError) -> Int? {
      guard let member = json[name], member != .null else { return nil }
      guard let value = member.integerValue.flatMap({ Int(exactly: $0) }) else {
        throw .member(name, expected: "a whole number")
      }
      return value
    }
    guard let overflow: Registers.Overflow = try Registers.choice(json["overflow"], "overflow")
    else { throw .member("overflow", expected: "saturate or wrap") }
    guard let products = [ProductOrder](json: json["products"]) else {
      throw .member(
        "products",
        expected: "one or several of "
          + ProductOrder.allCases.map(\.rawValue).joined(separator: ", "))
    }
    self.init(
      length: try number("length"), bits: try number("bits"), overflow: overflow,
      products: products)
  }
}

extension [ProductOrder] {
  /// One order as a text, several as a list.
  var json: JSONValue {
    count == 1 ? .string(self[0].rawValue) : .array(map { .string($0.rawValue) })
  }

  /// Reads one order or a list; that in which the tensor holds the weights where there is none, `nil` for anything else.
  init?(json: JSONValue?) {
    switch json {
    case nil: self = [.stored]
    case .string(let text)?:
      guard let order = ProductOrder(rawValue: text) else { return nil }
      self = [order]
    case .array(let list)?:
      let orders = list.compactMap { $0.stringValue.flatMap(ProductOrder.init(rawValue:)) }
      guard orders.count == list.count, !orders.isEmpty else { return nil }
      self = orders
    default: return nil
    }
  }
}
