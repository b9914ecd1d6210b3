import TensorCore

/// What a quantized model states about the accumulator of one layer: an entry of the JSON array in the model's
/// metadata (see docs/notation.md for the letters).
package struct AccumulatorAnnotation: Sendable, Hashable {
  /// The key of `metadata_props` that holds the array.
  package static let metadataKey = "snug.accumulators"

  /// The widths in bits that an entry can state; 129 is the most that 64-bit weights and inputs can need.
  package static let widths = 1...129

  /// The name of the dot-product node.
  package var layer: String
  /// The name of the node's output value.
  package var output: String
  /// The name of the node's weight initializer.
  package var weight: String
  /// The signed width P, in bits, to which the layer is constrained; `nil` for an unconstrained layer.
  package var targetBits: Int?
  /// The least signed width, in bits, that the layer's integers need.
  package var requiredBits: Int
  /// The width N of the inputs, in bits.
  package var inputBits: Int
  package var inputSigned: Bool
  /// The name of the weight quantization method.
  package var method: String
  /// The width, in bits, of the integer biases that the bound includes; `nil` where it includes none.
  package var biasBits: Int?
  /// The tiling of a sum in two stages; `nil` for a single register.
  package var tiling: Tiling?

  package init(
    layer: String, output: String, weight: String, targetBits: Int?, requiredBits: Int,
    inputBits: Int, inputSigned: Bool, method: String, biasBits: Int? = nil,
    tiling: Tiling? = nil
  ) {
    self.layer = layer
    self.output = output
    self.weight = weight
    self.targetBits = targetBits
    self.requiredBits = requiredBits
    self.inputBits = inputBits
    self.inputSigned = inputSigned
    self.method = method
    self.biasBits = biasBits
    self.tiling = tiling
  }
}

/// Why a text is not an array of annotations.
public enum AnnotationError: Error, Sendable, Hashable {
  case malformed(JSONError)
  case notAnArray
  /// A field is missing, or holds a value of another kind or out of range.
  case field(String, entry: Int)
  /// An entry has a field twice.
  case repeatedField(String, entry: Int)
  /// Two entries have the same layer or output.
  case repeatedLayer(String)
  /// The metadata has the key twice.
  case repeatedKey
  /// The metadata of the model and that of its graph differ.
  case twoStatements
}

extension AnnotationError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .malformed(let error): "accumulator annotations: \(error)"
    case .notAnArray: "accumulator annotations: not a JSON array"
    case .field(let name, let entry):
      "accumulator annotations: entry \(entry): field '\(name)' is missing or invalid"
    case .repeatedField(let name, let entry):
      "accumulator annotations: entry \(entry): field '\(name)' is there twice"
    case .repeatedLayer(let name): "accumulator annotations: '\(name)' has two entries"
    case .repeatedKey:
      "accumulator annotations: the metadata has '\(AccumulatorAnnotation.metadataKey)' twice"
    case .twoStatements:
      "accumulator annotations: the model's metadata and its graph's differ"
    }
  }
}

extension AccumulatorAnnotation {
  /// The JSON array of `annotations`, in their order, on one line.
  package static func encode(_ annotations: [AccumulatorAnnotation]) -> String {
    JSONValue(annotations.map(\.json)).text()
  }

  /// Reads the annotations of a JSON array; fields that are not in the schema are ignored.
  ///
  /// - Throws: ``AnnotationError``, also where a field, a layer or an output occurs twice.
  package static func decode(_ text: String) throws(AnnotationError) -> [AccumulatorAnnotation] {
    let document: JSONValue
    do { document = try JSONValue(parsing: text) } catch { throw .malformed(error) }
    guard let entries = document.arrayValue else { throw .notAnArray }
    var annotations: [AccumulatorAnnotation] = []
    var layers: Set<String> = []
    var outputs: Set<String> = []
    for (index, entry) in entries.enumerated() {
      if case .object(let members) = entry {
        var fields: Set<String> = []
        for member in members where !fields.insert(member.key).inserted {
          throw .repeatedField(member.key, entry: index)
        }
      }
      let annotation = try AccumulatorAnnotation(Entry(json: entry, index: index))
      guard layers.insert(annotation.layer).inserted else {
        throw .repeatedLayer(annotation.layer)
      }
      guard outputs.insert(annotation.output).inserted else {
        throw .repeatedLayer(annotation.output)
      }
      annotations.append(annotation)
    }
    return annotations
  }

  var json: JSONValue {
    var members: [JSONMember] = [
      JSONMember("layer", .string(layer)), JSONMember("output", .string(output)),
      JSONMember("weight", .string(weight)),
      JSONMember("target_bits", targetBits.map { JSONValue($0) } ?? .null),
      JSONMember("required_bits", JSONValue(requiredBits)),
      JSONMember("input_bits", JSONValue(inputBits)),
      JSONMember("input_signed", .bool(inputSigned)), JSONMember("method", .string(method)),
    ]
    if let biasBits { members.append(JSONMember("bias_bits", JSONValue(biasBits))) }
    if let tiling {
      members.append(JSONMember("tile_size", JSONValue(tiling.size)))
      members.append(JSONMember("outer_bits", JSONValue(tiling.outerBits)))
      members += tiling.orderMembers
    }
    return .object(members)
  }

  private init(_ entry: Entry) throws(AnnotationError) {
    self.init(
      layer: try entry.string("layer"), output: try entry.string("output"),
      weight: try entry.string("weight"), targetBits: try entry.optionalBits("target_bits"),
      requiredBits: try entry.bits("required_bits"), inputBits: try entry.bits("input_bits"),
      inputSigned: try entry.bool("input_signed"), method: try entry.string("method"),
      biasBits: try entry.bitsIfPresent("bias_bits"), tiling: try entry.tiling())
  }
}

extension Tiling {
  /// What is said of a tiling's products besides their number, where they aren't runs of the tensor's weights.
  package var orderMembers: [JSONMember] {
    var members: [JSONMember] = []
    if orders != [.stored] { members.append(JSONMember("products", orders.json)) }
    if operands != .values { members.append(JSONMember("operands", .string(operands.rawValue))) }
    return members
  }
}

/// Typed access to the fields of one entry.
private struct Entry {
  let json: JSONValue
  let index: Int

  func string(_ name: String) throws(AnnotationError) -> String {
    guard let value = json[name]?.stringValue else { throw .field(name, entry: index) }
    return value
  }

  func bool(_ name: String) throws(AnnotationError) -> Bool {
    guard let value = json[name]?.boolValue else { throw .field(name, entry: index) }
    return value
  }

  /// A width in bits.
  func bits(_ name: String) throws(AnnotationError) -> Int {
    guard let value = json[name]?.integerValue, let bits = Int(exactly: value),
      AccumulatorAnnotation.widths.contains(bits)
    else { throw .field(name, entry: index) }
    return bits
  }

  func optionalBits(_ name: String) throws(AnnotationError) -> Int? {
    json[name] == .null ? nil : try bits(name)
  }

  /// Both fields of a tiling, or neither.
  func tiling() throws(AnnotationError) -> Tiling? {
    guard let outer = try bitsIfPresent("outer_bits") else {
      if ["tile_size", "products", "operands"].contains(where: { json[$0] != nil }) {
        throw .field("outer_bits", entry: index)
      }
      return nil
    }
    guard let orders = [ProductOrder](json: json["products"]) else {
      throw .field("products", entry: index)
    }
    var operands = RegisterOperands.values
    if let stated = json["operands"] {
      guard let known = stated.stringValue.flatMap(RegisterOperands.init(rawValue:)) else {
        throw .field("operands", entry: index)
      }
      operands = known
    }
    guard let size = json["tile_size"]?.integerValue, let size = Int(exactly: size),
      let tiling = Tiling(size: size, outerBits: outer, orders: orders, operands: operands)
    else { throw .field("tile_size", entry: index) }
    return tiling
  }

  func bitsIfPresent(_ name: String) throws(AnnotationError) -> Int? {
    json[name] == nil ? nil : try optionalBits(name)
  }
}
