import COnnxProto
import GraphIR
import TensorCore

/// Turns a model into a serialized `ModelProto`.
///
/// The bytes depend on the model alone: nodes are in topological order, everything else is in the order of the graph.
struct ModelEncoder {
  let model: Model
  /// The layout of tensors outside the file; `nil` to keep all of them inside.
  var externalData: ExternalDataPlan?
  private let arena = MessageArena()

  init(_ model: Model, externalData: ExternalDataPlan? = nil) {
    self.model = model
    self.externalData = externalData
  }

  /// Encodes the model.
  ///
  /// - Throws: ``FormatProblem`` where the graph is not valid or can't be written.
  mutating func encode() throws(FormatProblem) -> WireParts {
    let message = arena.make(onnx__model_proto__init)
    message.pointee.has_ir_version = 1
    message.pointee.ir_version = Int64(model.irVersion)
    message.pointee.producer_name = arena.optional(model.producerName)
    message.pointee.producer_version = arena.optional(model.producerVersion)
    message.pointee.domain = arena.optional(model.domain)
    message.pointee.has_model_version = model.modelVersion == 0 ? 0 : 1
    message.pointee.model_version = model.modelVersion
    message.pointee.doc_string = arena.optional(model.documentation)
    let opsets = model.opsets.map { opset in
      let entry = arena.make(onnx__operator_set_id_proto__init)
      // The domain is written even where it is empty, as the standard one is.
      entry.pointee.domain = arena.string(opset.domain)
      entry.pointee.has_version = 1
      entry.pointee.version = Int64(opset.version)
      return entry
    }
    message.pointee.opset_import = arena.list(opsets)
    message.pointee.n_opset_import = opsets.count
    message.pointee.metadata_props = arena.entries(model.metadata)
    message.pointee.n_metadata_props = model.metadata.count
    var parts = WireParts(pack(message))
    parts.append(field: 7, try encodeGraph())
    for info in model.preserved.trainingInfo { parts.append(field: 20, WireParts(info)) }
    for function in model.preserved.functions { parts.append(field: 25, WireParts(function)) }
    for configuration in model.preserved.deviceConfigurations {
      parts.append(field: 26, WireParts(configuration))
    }
    return parts
  }

  private mutating func encodeGraph() throws(FormatProblem) -> WireParts {
    let graph = model.graph
    let order: [NodeID]
    do {
      try graph.validate()
      order = try graph.topologicalOrder()
    } catch {
      throw .graph(error)
    }
    var parts = WireParts()
    let nodes = NodeEncoder(arena: arena, graph: graph)
    for id in order {
      let node = graph[id]
      if let capture = node.captures.first(where: { graph[$0.value].name != $0.name }) {
        throw .capturedName(node: node.name, name: capture.name)
      }
      parts.append(field: 1, try nodes.encode(node))
    }
    let message = arena.make(onnx__graph_proto__init)
    // The specification demands a name.
    message.pointee.name = arena.string(graph.name.isEmpty ? "graph" : graph.name)
    message.pointee.doc_string = arena.optional(graph.documentation)
    if model.irVersion >= 10 {
      message.pointee.metadata_props = arena.entries(graph.metadata)
      message.pointee.n_metadata_props = graph.metadata.count
    }
    parts.append(pack(message))
    let computed = order.flatMap { graph[$0].outputs.compactMap { $0 } }
    encodeValues(of: graph, computed: computed, into: &parts)
    return parts
  }

  /// Encodes the values of a graph.
  ///
  /// - Parameter computed: the outputs of nodes in the order of the file, whatever order they were added in, so that
  ///   a file that is read and written again stays the same.
  private mutating func encodeValues(
    of graph: Graph, computed: [ValueID], into parts: inout WireParts
  ) {
    let encoder = ValueEncoder(arena: arena)
    let inputs = Set(graph.inputs)
    var constants: [ValueID] = []
    var sparseConstants: [ValueID] = []
    for id in graph.valueIDs where graph[id].producer == nil {
      if let tensor = graph[id].constant {
        constants.append(id)
        parts.append(field: 5, encode(tensor, of: graph[id]))
      } else if let tensor = encoder.encodeSparse(graph[id]) {
        sparseConstants.append(id)
        parts.append(field: 15, WireParts(tensor))
      }
    }
    for id in graph.inputs { parts.append(field: 11, encoder.encode(graph[id])) }
    // Before IR version 4 every initializer is also a graph input.
    for id in constants where model.irVersion < 4 || graph[id].isListedInput {
      if !inputs.contains(id) { parts.append(field: 11, encoder.encode(graph[id])) }
    }
    for id in graph.outputs { parts.append(field: 12, encoder.encode(graph[id])) }
    let outputs = Set(graph.outputs)
    for id in sparseConstants + computed where !outputs.contains(id) && graph[id].hasDescription {
      parts.append(field: 13, encoder.encode(graph[id]))
    }
    for id in graph.inputs + constants + sparseConstants + computed
    where !graph[id].annotations.isEmpty {
      let annotation = arena.make(onnx__tensor_annotation__init)
      annotation.pointee.tensor_name = arena.string(graph[id].name)
      annotation.pointee.quant_parameter_tensor_names = arena.entries(graph[id].annotations)
      annotation.pointee.n_quant_parameter_tensor_names = graph[id].annotations.count
      parts.append(field: 14, WireParts(pack(annotation)))
    }
  }

  private mutating func encode(_ tensor: Tensor, of value: Value) -> WireParts {
    TensorEncoder(arena: arena).encode(
      tensor, name: value.name, documentation: value.documentation, metadata: value.metadata,
      externalData: externalData?.place(tensor) ?? [])
  }
}

extension Value {
  /// Whether there is more to be written about the value than its name.
  fileprivate var hasDescription: Bool {
    type != nil || serializedType != nil || !documentation.isEmpty || !metadata.isEmpty
  }
}
