import COnnxProto
import GraphIR
import TensorCore

/// Turns the `AttributeProto` messages of one node into attributes.
struct AttributeDecoder {
  typealias Message = UnsafeMutablePointer<Onnx__AttributeProto>

  let tensors: TensorDecoder
  /// The node's name, for errors.
  let node: String
  /// The attributes of the call by name, in the body of a function; `nil` elsewhere.
  var arguments: [String: Attribute]?

  func decode(_ list: MessageList<Onnx__AttributeProto>?, _ count: Int) throws(FormatProblem)
    -> [Attribute]
  {
    var attributes: [Attribute] = []
    var names: Set<String> = []
    for message in messages(list, count) {
      let name = text(message.pointee.name)
      guard !name.isEmpty else {
        throw .missingField(owner: "node '\(node)': attribute \(attributes.count)", field: "name")
      }
      guard names.insert(name).inserted else {
        throw .attribute(node: node, name: name, .repeated)
      }
      let reference = text(message.pointee.ref_attr_name)
      guard !reference.isEmpty else {
        attributes.append(Attribute(name, try decode(message, name: name)))
        continue
      }
      guard let arguments else {
        throw .attribute(node: node, name: name, .reference(to: reference))
      }
      // A parameter that the call leaves out and that has no default means that the attribute is left out.
      if let argument = arguments[reference] { attributes.append(Attribute(name, argument.value)) }
    }
    return attributes
  }

  private func decode(_ message: Message, name: String) throws(FormatProblem) -> AttributeValue {
    let kind: AttributeKind
    do {
      kind = try AttributeKind.inUse(message)
    } catch {
      throw .attribute(node: node, name: name, error)
    }
    let m = message.pointee
    switch kind {
    case .float: return .float(m.f)
    case .int: return .int(m.i)
    case .string: return .string(bytes(m.s))
    case .floats: return .floats(Array(numbers(m.floats, m.n_floats)))
    case .ints: return .ints(Array(numbers(m.ints, m.n_ints)))
    case .strings: return .strings(numbers(m.strings, m.n_strings).map(bytes))
    case .tensor:
      guard let tensor = m.t else {
        throw .attribute(node: node, name: name, .noContent(type: kind.rawValue))
      }
      return .tensor(try tensors.decode(tensor, name: "\(node).\(name)"))
    case .tensors:
      var result: [Tensor] = []
      for tensor in messages(m.tensors, m.n_tensors) {
        result.append(try tensors.decode(tensor, name: "\(node).\(name)[\(result.count)]"))
      }
      return .tensors(result)
    case .graph, .sparseTensor, .type, .graphs, .sparseTensors, .types:
      return .serialized(pack(message))
    }
  }
}

/// The kinds of content of an `AttributeProto`.
enum AttributeKind: String, CaseIterable {
  case float, int, string, tensor, graph, floats, ints, strings, tensors, graphs
  case sparseTensor = "sparse tensor"
  case sparseTensors = "sparse tensors"
  case type, types

  init?(_ type: Onnx__AttributeProto__AttributeType) {
    switch type {
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT: self = .float
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT: self = .int
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING: self = .string
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TENSOR: self = .tensor
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__GRAPH: self = .graph
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOATS: self = .floats
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS: self = .ints
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRINGS: self = .strings
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TENSORS: self = .tensors
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__GRAPHS: self = .graphs
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__SPARSE_TENSOR: self = .sparseTensor
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__SPARSE_TENSORS: self = .sparseTensors
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TYPE_PROTO: self = .type
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TYPE_PROTOS: self = .types
    default: return nil
    }
  }

  /// The kind of attribute that a message declares, checked against its content.
  ///
  /// Where the type is missing, the content determines it. A declared scalar without content is the default, which
  /// proto3 writers leave out; an undeclared empty list is read as integers.
  static func inUse(_ message: AttributeDecoder.Message) throws(AttributeFault) -> AttributeKind {
    let content = allCases.filter { $0.isPresent(message.pointee) }
    let type = message.pointee.type
    guard message.pointee.has_type != 0, type != ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__UNDEFINED
    else {
      if content.count > 1 {
        throw .contentOfOtherType(declared: content[0].rawValue, found: content[1].rawValue)
      }
      return content.first ?? .ints
    }
    guard let declared = AttributeKind(type) else { throw .unknownType(Int(type.rawValue)) }
    if let other = content.first(where: { $0 != declared }) {
      throw .contentOfOtherType(declared: declared.rawValue, found: other.rawValue)
    }
    switch declared {
    case .tensor, .graph, .sparseTensor, .type:
      if content.isEmpty { throw .noContent(type: declared.rawValue) }
    default: break
    }
    return declared
  }

  private func isPresent(_ m: Onnx__AttributeProto) -> Bool {
    switch self {
    case .float: m.has_f != 0
    case .int: m.has_i != 0
    case .string: m.has_s != 0
    case .tensor: m.t != nil
    case .graph: m.g != nil
    case .sparseTensor: m.sparse_tensor != nil
    case .type: m.tp != nil
    case .floats: m.n_floats > 0
    case .ints: m.n_ints > 0
    case .strings: m.n_strings > 0
    case .tensors: m.n_tensors > 0
    case .graphs: m.n_graphs > 0
    case .sparseTensors: m.n_sparse_tensors > 0
    case .types: m.n_type_protos > 0
    }
  }
}
