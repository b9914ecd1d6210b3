import COnnxProto
import GraphIR
import TensorCore

/// Turns a `ModelProto` into a model.
struct ModelDecoder {
  let resolver: any OperatorResolver
  let tensors: TensorDecoder

  func decode(_ message: UnsafeMutablePointer<Onnx__ModelProto>) throws(FormatProblem) -> Model {
    let m = message.pointee
    guard let graph = m.graph else { throw .noGraph }
    let version = m.has_ir_version != 0 ? Int(m.ir_version) : nil
    guard let version, version >= FormatLimits.oldestIRVersion else { throw .irVersion(version) }
    let opsets = try opsets(m)
    var model = Model(graph: Graph(), irVersion: version, opsets: opsets)
    model.producerName = text(m.producer_name)
    model.producerVersion = text(m.producer_version)
    model.domain = text(m.domain)
    model.modelVersion = m.model_version
    model.documentation = text(m.doc_string)
    model.metadata = keyValues(m.metadata_props, m.n_metadata_props)
    let functions = try FunctionLibrary(m.functions, m.n_functions)
    try functions.check(graph.pointee)
    model.preserved.trainingInfo = messages(m.training_info, m.n_training_info).map { pack($0) }
    model.preserved.deviceConfigurations =
      messages(m.configuration, m.n_configuration).map { pack($0) }
    var decoder = GraphDecoder(
      model: model, resolver: resolver, tensors: tensors, functions: functions)
    var decoded = try decoder.decode(graph)
    var inliner = FunctionInliner(library: functions, model: model, resolver: resolver)
    try inliner.run(&decoded)
    model.graph = decoded
    for opset in inliner.opsets { model.importDomain(opset.domain, version: opset.version) }
    // Subgraphs may still call functions.
    let calls = decoded.nodeIDs.contains {
      !decoded[$0].captures.isEmpty || hasSubgraph(decoded[$0])
    }
    model.preserved.functions = messages(m.functions, m.n_functions).compactMap {
      calls || !functions.contains($0) ? pack($0) : nil
    }
    return model
  }

  private func hasSubgraph(_ node: Node) -> Bool {
    node.op.writtenAttributes.contains { if case .serialized = $0.value { true } else { false } }
  }

  private func opsets(_ m: Onnx__ModelProto) throws(FormatProblem) -> [OpsetImport] {
    var opsets: [OpsetImport] = []
    for entry in messages(m.opset_import, m.n_opset_import) {
      let opset = OpsetImport(
        domain: text(entry.pointee.domain), version: Int(entry.pointee.version))
      let domain = OpsetImport.canonical(opset.domain)
      guard opset.version >= (domain.isEmpty ? FormatLimits.oldestOpset : 0) else {
        throw .opset(domain: domain, version: opset.version)
      }
      let earlier = opsets.first { OpsetImport.canonical($0.domain) == domain }
      guard earlier.map({ $0.version == opset.version }) ?? true else {
        throw .repeatedOpset(domain: domain)
      }
      if earlier == nil { opsets.append(opset) }
    }
    guard opsets.contains(where: { OpsetImport.canonical($0.domain).isEmpty }) else {
      throw .noStandardOpset
    }
    return opsets
  }
}

/// The entries of a `StringStringEntryProto` list.
func keyValues(_ list: MessageList<Onnx__StringStringEntryProto>?, _ count: Int) -> [KeyValue] {
  messages(list, count).map { KeyValue(text($0.pointee.key), text($0.pointee.value)) }
}
