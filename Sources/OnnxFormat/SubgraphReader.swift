import COnnxProto
import GraphIR
import TensorCore

/// Decodes the subgraphs of a model's nodes.
struct SubgraphReader: SubgraphDecoder {
  /// The model, for its opsets.
  let model: Model
  let resolver: any OperatorResolver
  let functions: FunctionLibrary
  /// The attributes of the function call around the subgraph by name; `nil` outside functions.
  let arguments: [String: Attribute]?

  func decode(_ attribute: [UInt8]) throws(OperatorError) -> DecodedSubgraph {
    do {
      return try read(attribute)
    } catch {
      throw .unsupported(what: "a subgraph in which \(error)")
    }
  }

  private func read(_ attribute: [UInt8]) throws(FormatProblem) -> DecodedSubgraph {
    let scanned = try WireScanner.scan(
      ByteSource(attribute), as: Descriptors.attribute, role: .subgraph)
    let message = try DecodedMessage<Onnx__AttributeProto>(
      scanned.skeleton, as: Descriptors.attribute)
    guard let graph = message.pointer.pointee.g else { throw .noGraph }
    // Captured values become inputs after the subgraph's own.
    let captured = freeNames(of: graph)
    let arena = MessageArena()
    let own = messages(graph.pointee.input, graph.pointee.n_input).map { $0 }
    let open = arena.make(onnx__graph_proto__init)
    open.pointee = graph.pointee
    let added = messages(arena.valueInfos(captured), captured.count).map { $0 }
    open.pointee.input = arena.list(own + added)
    open.pointee.n_input = own.count + added.count
    var decoder = GraphDecoder(
      model: model, resolver: resolver,
      tensors: TensorDecoder(blobs: scanned.blobs, externalData: ExternalData(folder: nil)),
      functions: functions, arguments: arguments)
    var decoded = try withExtendedLifetime(arena) { () throws(FormatProblem) in
      try decoder.decode(open)
    }
    var inliner = FunctionInliner(library: functions, model: model, resolver: resolver)
    try inliner.run(&decoded)
    return DecodedSubgraph(graph: decoded, inputCount: decoded.inputs.count - captured.count)
  }
}
