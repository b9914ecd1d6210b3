import COnnxProto
import GraphIR
import TensorCore

/// Turns a `GraphProto` into a graph: the main one of a model, a subgraph, or a function's body in the form of one.
struct GraphDecoder {
  let model: Model
  let resolver: any OperatorResolver
  let tensors: TensorDecoder
  /// The functions that a subgraph may call.
  let functions: FunctionLibrary
  /// The attributes of the call by name, in the body of a function; `nil` elsewhere.
  let arguments: [String: Attribute]?
  private var graph = Graph()
  /// The values by name, with what defines them, for errors.
  private var values: [String: (id: ValueID, definition: String)] = [:]

  init(
    model: Model, resolver: any OperatorResolver, tensors: TensorDecoder,
    functions: FunctionLibrary, arguments: [String: Attribute]? = nil
  ) {
    self.model = model
    self.resolver = resolver
    self.tensors = tensors
    self.functions = functions
    self.arguments = arguments
  }

  mutating func decode(_ message: UnsafeMutablePointer<Onnx__GraphProto>) throws(FormatProblem)
    -> Graph
  {
    let m = message.pointee
    graph.name = text(m.name)
    graph.documentation = text(m.doc_string)
    graph.metadata = keyValues(m.metadata_props, m.n_metadata_props)
    try addInputs(m)
    let names = nodeNames(m)
    let outputs = try addNodeOutputs(m, names)
    try addNodes(m, names, outputs)
    try addOutputs(m)
    for info in messages(m.value_info, m.n_value_info) {
      if let id = values[text(info.pointee.name)]?.id { try describe(id, info) }
    }
    for annotation in messages(m.quantization_annotation, m.n_quantization_annotation) {
      guard let id = values[text(annotation.pointee.tensor_name)]?.id else { continue }
      graph[id].annotations += keyValues(
        annotation.pointee.quant_parameter_tensor_names,
        annotation.pointee.n_quant_parameter_tensor_names)
    }
    do {
      try graph.validate()
    } catch {
      throw .graph(error)
    }
    return graph
  }

  // MARK: Inputs, constants and outputs

  private mutating func addInputs(_ m: Onnx__GraphProto) throws(FormatProblem) {
    var constants: [String: UnsafeMutablePointer<Onnx__TensorProto>] = [:]
    for message in messages(m.initializer, m.n_initializer) {
      let name = text(message.pointee.name)
      guard !name.isEmpty else {
        throw .missingField(owner: "initializer \(constants.count)", field: "name")
      }
      guard constants.updateValue(message, forKey: name) == nil else {
        throw .duplicateValue(name: name, definitions: ["an initializer", "another initializer"])
      }
    }
    var listed: [String: UnsafeMutablePointer<Onnx__ValueInfoProto>] = [:]
    for (index, info) in messages(m.input, m.n_input).enumerated() {
      let name = text(info.pointee.name)
      guard !name.isEmpty else {
        throw .missingField(owner: "graph input \(index)", field: "name")
      }
      guard listed.updateValue(info, forKey: name) == nil else {
        throw .duplicateValue(name: name, definitions: ["a graph input", "another graph input"])
      }
      if constants[name] == nil {
        let id = graph.addInput(name: name, type: nil)
        try describe(id, info)
        try define(name, id, by: "a graph input")
      }
    }
    for message in messages(m.initializer, m.n_initializer) {
      let name = text(message.pointee.name)
      let id = graph.addConstant(name: name, try tensors.decode(message, name: name))
      graph[id].documentation = text(message.pointee.doc_string)
      graph[id].metadata = keyValues(
        message.pointee.metadata_props, message.pointee.n_metadata_props)
      graph[id].isListedInput = listed[name] != nil
      try define(name, id, by: "an initializer")
    }
    for message in messages(m.sparse_initializer, m.n_sparse_initializer) {
      let name = text(message.pointee.values?.pointee.name)
      guard !name.isEmpty else {
        throw .missingField(owner: "sparse initializer", field: "values.name")
      }
      if let earlier = values[name] {
        throw .duplicateValue(
          name: name, definitions: [earlier.definition, "a sparse initializer"])
      }
      let id = graph.addValue(name: name)
      graph[id].serializedConstant = pack(message)
      try define(name, id, by: "a sparse initializer")
    }
  }

  private mutating func addOutputs(_ m: Onnx__GraphProto) throws(FormatProblem) {
    for (index, info) in messages(m.output, m.n_output).enumerated() {
      let name = text(info.pointee.name)
      guard !name.isEmpty else {
        throw .missingField(owner: "graph output \(index)", field: "name")
      }
      guard let id = values[name]?.id else {
        throw .graph(.danglingValue(name: name, consumer: nil))
      }
      try describe(id, info)
      graph.addOutput(id)
    }
  }

  /// Attaches the type and documentation that the file gives for a value.
  ///
  /// - Throws: ``FormatProblem/contradictoryType(name:types:)`` where that type is not the one of an earlier
  ///   statement or of a constant's data.
  private mutating func describe(
    _ id: ValueID, _ info: UnsafeMutablePointer<Onnx__ValueInfoProto>
  ) throws(FormatProblem) {
    let type = DecodedType(info.pointee.type)
    let known = graph[id].constant?.type ?? graph[id].type
    if let known, let stated = type.tensor, !known.agrees(with: stated) {
      throw .contradictoryType(name: graph[id].name, types: ["\(known)", "\(stated)"])
    }
    // The data of a constant is more precise than its description.
    if graph[id].constant != nil { return }
    // The type that a caller has to feed is that of the list of inputs alone.
    let isInput = graph.inputs.contains(id) && graph[id].type != nil
    if !isInput, type.tensor != nil || type.serialized != nil {
      graph[id].type = type.tensor
      graph[id].serializedType = type.serialized
    }
    let documentation = text(info.pointee.doc_string)
    if !documentation.isEmpty { graph[id].documentation = documentation }
    if info.pointee.n_metadata_props > 0 {
      graph[id].metadata = keyValues(info.pointee.metadata_props, info.pointee.n_metadata_props)
    }
  }

  private mutating func define(_ name: String, _ id: ValueID, by definition: String)
    throws(FormatProblem)
  {
    if let earlier = values.updateValue((id, definition), forKey: name) {
      throw .duplicateValue(name: name, definitions: [earlier.definition, definition])
    }
    guard values.count <= FormatLimits.values else {
      throw .valueCount(limit: FormatLimits.values)
    }
  }

  // MARK: Nodes

  /// A name for each node: its own where that is the first of its kind, else a new one.
  private func nodeNames(_ m: Onnx__GraphProto) -> [String] {
    var taken = Set(messages(m.node, m.n_node).map { text($0.pointee.name) })
    var given: Set<String> = [""]
    // Numbers that were tried before aren't tried again, since a file may give all its nodes the same name.
    var next: [String: Int] = [:]
    var names: [String] = []
    for node in messages(m.node, m.n_node) {
      let own = text(node.pointee.name)
      if given.insert(own).inserted {
        names.append(own)
        continue
      }
      let stem = own.isEmpty ? text(node.pointee.op_type) : own
      var number = max(own.isEmpty ? names.count : 1, next[stem] ?? 0)
      while !taken.insert("\(stem)_\(number)").inserted { number += 1 }
      next[stem] = number + 1
      names.append("\(stem)_\(number)")
    }
    return names
  }

  private mutating func addNodeOutputs(_ m: Onnx__GraphProto, _ names: [String])
    throws(FormatProblem) -> [[ValueID?]]
  {
    var outputs: [[ValueID?]] = []
    for (node, nodeName) in zip(messages(m.node, m.n_node), names) {
      var ids: [ValueID?] = []
      for name in texts(node.pointee.output, node.pointee.n_output) {
        if name.isEmpty {
          ids.append(nil)
        } else {
          // This is checked before the value is added, which would make the name unique.
          let definition = "node '\(nodeName)'"
          if let earlier = values[name] {
            throw .duplicateValue(name: name, definitions: [earlier.definition, definition])
          }
          let id = graph.addValue(name: name)
          try define(name, id, by: definition)
          ids.append(id)
        }
      }
      outputs.append(ids)
    }
    return outputs
  }

  private mutating func addNodes(_ m: Onnx__GraphProto, _ names: [String], _ outputs: [[ValueID?]])
    throws(FormatProblem)
  {
    for (index, node) in messages(m.node, m.n_node).enumerated() {
      let name = names[index]
      let op = try makeOperator(node, name: name)
      var inputs: [ValueID?] = []
      for input in texts(node.pointee.input, node.pointee.n_input) {
        guard !input.isEmpty else {
          inputs.append(nil)
          continue
        }
        guard let id = values[input]?.id else {
          throw .graph(.danglingValue(name: input, consumer: name))
        }
        inputs.append(id)
      }
      // Trailing empty names mean the same as a shorter list.
      while inputs.last == .some(nil) { inputs.removeLast() }
      let id = graph.addNode(
        op, name: name, inputs: inputs, outputs: outputs[index],
        captures: try captures(node, name: name))
      graph[id].documentation = text(node.pointee.doc_string)
      graph[id].overload = text(node.pointee.overload)
      graph[id].metadata = keyValues(node.pointee.metadata_props, node.pointee.n_metadata_props)
      graph[id].deviceConfigurations =
        messages(node.pointee.device_configurations, node.pointee.n_device_configurations)
        .map { pack($0) }
    }
  }

  /// The values that the subgraphs of a node read from this graph.
  private func captures(_ node: UnsafeMutablePointer<Onnx__NodeProto>, name: String)
    throws(FormatProblem) -> [Capture]
  {
    var captures: [Capture] = []
    for free in freeNames(of: node) {
      guard let id = values[free]?.id else {
        throw .graph(.danglingValue(name: free, consumer: name))
      }
      captures.append(Capture(value: id, name: free))
    }
    return captures
  }

  private func makeOperator(_ node: UnsafeMutablePointer<Onnx__NodeProto>, name: String)
    throws(FormatProblem) -> any Operator
  {
    let type = text(node.pointee.op_type)
    guard !type.isEmpty else { throw .missingField(owner: "node '\(name)'", field: "op_type") }
    let domain = OpsetImport.canonical(text(node.pointee.domain))
    let attributes = try AttributeDecoder(tensors: tensors, node: name, arguments: arguments)
      .decode(node.pointee.attribute, node.pointee.n_attribute)
    // Some exporters use a domain that they don't import, and which has no version to choose by.
    let inputs = texts(node.pointee.input, node.pointee.n_input)
    let reader = AttributeReader(
      attributes, opset: model.opset(of: domain) ?? 1,
      inputCount: inputs.lastIndex { !$0.isEmpty }.map { $0 + 1 } ?? 0,
      outputCount: node.pointee.n_output,
      subgraphs: SubgraphReader(
        model: model, resolver: resolver, functions: functions, arguments: arguments))
    do {
      return try resolver.makeOperator(domain: domain, type: type, attributes: reader)
    } catch {
      throw .graph(.node(name: name, type: type, error))
    }
  }
}

extension TensorType {
  /// Whether two statements can hold for the same value. The shape of a constant may be stated loosely, as `[1]` for
  /// a scalar, since its data determines it.
  fileprivate func agrees(with other: TensorType) -> Bool {
    guard elementType == other.elementType else { return false }
    guard let dimensions, let others = other.dimensions, dimensions.count == others.count else {
      return true
    }
    return zip(dimensions, others).allSatisfy { a, b in
      a.size == nil || b.size == nil || a.size == b.size
    }
  }
}
