import COnnxProto
import GraphIR
import TensorCore

/// The functions that a model defines, and their bodies for a call.
///
/// A function takes precedence over an operator of its name in any domain, including the standard one: which of the
/// two a runtime takes is left to it (IR.md), and only the body says what the file means.
struct FunctionLibrary: Sendable {
  struct Key: Hashable {
    var domain: String
    var name: String
    var overload: String
  }

  /// The serialized functions, of which each call decodes its own copy with its own attributes.
  private var functions: [Key: [UInt8]] = [:]
  /// The keys of each function's nodes, whether they are calls or not, with those of the graphs inside them.
  private var nodes: [Key: [Call]] = [:]

  /// A node of a function, which calls another one or doesn't.
  private struct Call {
    var key: Key
    /// The node and its inputs and outputs.
    var parts: Int
  }

  init() {}

  init(_ list: MessageList<Onnx__FunctionProto>?, _ count: Int) throws(FormatProblem) {
    for message in messages(list, count) {
      let key = Self.key(message)
      guard functions.updateValue(pack(message), forKey: key) == nil else {
        throw .function(name: key.name, .repeated)
      }
      nodes[key] = Self.calls(message.pointee.node, message.pointee.n_node)
    }
  }

  var isEmpty: Bool { functions.isEmpty }

  func contains(_ function: UnsafeMutablePointer<Onnx__FunctionProto>) -> Bool {
    functions[Self.key(function)] != nil
  }

  func contains(_ node: Node) -> Bool { functions[Self.key(node)] != nil }

  private static func key(_ function: UnsafeMutablePointer<Onnx__FunctionProto>) -> Key {
    Key(
      domain: OpsetImport.canonical(text(function.pointee.domain)),
      name: text(function.pointee.name), overload: text(function.pointee.overload))
  }

  private static func key(_ node: UnsafeMutablePointer<Onnx__NodeProto>) -> Key {
    Key(
      domain: OpsetImport.canonical(text(node.pointee.domain)), name: text(node.pointee.op_type),
      overload: text(node.pointee.overload))
  }

  /// Checks, before any call is replaced, that the calls in a graph come to an end and become at most
  /// ``FormatLimits/expandedParts`` parts: a few bytes can demand very many.
  ///
  /// - Throws: ``FormatProblem`` for a function that calls itself, or is called too deeply or too often.
  func check(_ graph: Onnx__GraphProto) throws(FormatProblem) {
    if isEmpty { return }
    var known: [Key: Int] = [:]
    var size = 0
    for call in Self.calls(graph.node, graph.n_node) where functions[call.key] != nil {
      size += try expandedSize(of: call, callers: [], known: &known)
      guard size <= FormatLimits.expandedParts else {
        throw .function(name: call.key.name, .tooLarge(limit: FormatLimits.expandedParts))
      }
    }
  }

  /// A graph's nodes, with those of the graphs inside them.
  ///
  /// Recursion is bounded: the scanner limits how deep messages are nested.
  private static func calls(_ list: MessageList<Onnx__NodeProto>?, _ count: Int) -> [Call] {
    var calls: [Call] = []
    for node in messages(list, count) {
      let parts = 1 + Int(node.pointee.n_input) + Int(node.pointee.n_output)
      calls.append(Call(key: key(node), parts: parts))
      for attribute in messages(node.pointee.attribute, node.pointee.n_attribute) {
        let a = attribute.pointee
        for graph in (a.g.map { [$0] } ?? []) + messages(a.graphs, a.n_graphs) {
          calls += self.calls(graph.pointee.node, graph.pointee.n_node)
        }
      }
    }
    return calls
  }

  /// The number of parts that a node becomes.
  ///
  /// - Parameters:
  ///   - callers: the functions whose bodies contain the call, outermost first.
  ///   - known: the sizes found so far.
  private func expandedSize(
    of call: Call, callers: [Key], known: inout [Key: Int]
  ) throws(FormatProblem) -> Int {
    let key = call.key
    if let size = known[key] { return max(size, call.parts) }
    guard let nodes = nodes[key] else { return call.parts }
    guard !callers.contains(key) else { throw .function(name: key.name, .recursive) }
    guard callers.count < FormatLimits.functionDepth else {
      throw .function(name: key.name, .tooDeep(limit: FormatLimits.functionDepth))
    }
    var size = 1
    for node in nodes {
      let more = try expandedSize(of: node, callers: callers + [key], known: &known)
      // Sizes can double with each function of a chain.
      size = min(size + more, FormatLimits.expandedParts + 1)
    }
    known[key] = size
    return max(size, call.parts)
  }

  static func key(_ node: Node) -> Key {
    Key(
      domain: OpsetImport.canonical(node.op.domain), name: node.op.type, overload: node.overload)
  }

  /// The body of the function that a node calls, as a graph with the function's inputs and outputs; `nil` for a node
  /// that calls none.
  ///
  /// - Throws: ``FormatProblem`` where the function is malformed.
  func body(of node: Node, in model: Model, resolver: any OperatorResolver) throws(FormatProblem)
    -> (graph: Graph, opsets: [OpsetImport])?
  {
    guard let bytes = functions[Self.key(node)] else { return nil }
    let scanned = try WireScanner.scan(
      ByteSource(bytes), as: Descriptors.function, role: .function)
    let message = try DecodedMessage<Onnx__FunctionProto>(
      scanned.skeleton, as: Descriptors.function)
    let function = message.pointer.pointee
    let tensors = TensorDecoder(blobs: scanned.blobs, externalData: ExternalData(folder: nil))
    var attributes: [String: Attribute] = [:]
    let defaults = try AttributeDecoder(tensors: tensors, node: text(function.name))
      .decode(function.attribute_proto, function.n_attribute_proto)
    for attribute in defaults + node.op.writtenAttributes { attributes[attribute.name] = attribute }
    var scope = model
    scope.opsets = messages(function.opset_import, function.n_opset_import).map {
      OpsetImport(domain: text($0.pointee.domain), version: Int($0.pointee.version))
    }
    if scope.opsets.isEmpty { scope.opsets = model.opsets }
    let arena = MessageArena()
    let graph = arena.make(onnx__graph_proto__init)
    graph.pointee.node = function.node
    graph.pointee.n_node = function.n_node
    graph.pointee.input = arena.valueInfos(texts(function.input, function.n_input))
    graph.pointee.n_input = function.n_input
    graph.pointee.output = arena.valueInfos(texts(function.output, function.n_output))
    graph.pointee.n_output = function.n_output
    graph.pointee.value_info = function.value_info
    graph.pointee.n_value_info = function.n_value_info
    var decoder = GraphDecoder(
      model: scope, resolver: resolver, tensors: tensors, functions: self, arguments: attributes)
    return try withExtendedLifetime(arena) { () throws(FormatProblem) in
      (try decoder.decode(graph), scope.opsets)
    }
  }
}

extension MessageArena {
  /// `ValueInfoProto`s that hold only a name.
  func valueInfos(_ names: [String]) -> MessageList<Onnx__ValueInfoProto> {
    list(
      names.map { name in
        let message = make(onnx__value_info_proto__init)
        message.pointee.name = string(name)
        return message
      })
  }
}
