/// A whole ONNX model: the main graph and what the file says besides.
package struct Model: Sendable {
  package var graph: Graph
  package var irVersion: Int
  /// The imported opset versions in the order of the file; the standard domain is `""`.
  package var opsets: [OpsetImport]
  package var producerName = ""
  package var producerVersion = ""
  package var domain = ""
  package var modelVersion: Int64 = 0
  package var documentation = ""
  package var metadata: [KeyValue] = []
  /// Parts to which this package gives no meaning (functions, training information), kept as serialized messages and
  /// written back unchanged.
  package var preserved = PreservedParts()

  package init(graph: Graph, irVersion: Int, opsets: [OpsetImport]) {
    self.graph = graph
    self.irVersion = irVersion
    self.opsets = opsets
  }

  /// The imported version of a domain; `nil` where it isn't imported.
  package func opset(of domain: String) -> Int? {
    let canonical = OpsetImport.canonical(domain)
    return opsets.first { OpsetImport.canonical($0.domain) == canonical }?.version
  }

  /// Imports a domain at a version, unless the domain is already imported.
  package mutating func importDomain(_ domain: String, version: Int) {
    if opset(of: domain) == nil { opsets.append(OpsetImport(domain: domain, version: version)) }
  }

  /// Sets a metadata entry, in place of one with the same key. From IR version 10 on, which introduced metadata of
  /// graphs, it is set on the graph too.
  package mutating func setMetadata(_ key: String, _ value: String) {
    Self.set(key, value, in: &metadata)
    if irVersion >= 10 { Self.set(key, value, in: &graph.metadata) }
  }

  private static func set(_ key: String, _ value: String, in entries: inout [KeyValue]) {
    if let index = entries.firstIndex(where: { $0.key == key }) {
      entries[index].value = value
    } else {
      entries.append(KeyValue(key, value))
    }
  }
}

/// One opset that a model imports.
package struct OpsetImport: Sendable, Hashable {
  package var domain: String
  package var version: Int

  package init(domain: String, version: Int) {
    self.domain = domain
    self.version = version
  }

  /// The canonical name of a domain: `ai.onnx` and the empty string both name the standard one.
  package static func canonical(_ domain: String) -> String { domain == "ai.onnx" ? "" : domain }
}

/// Serialized messages that are kept without being read.
package struct PreservedParts: Sendable, Hashable {
  package var functions: [[UInt8]] = []
  package var trainingInfo: [[UInt8]] = []
  /// The devices to which nodes refer (IR version 11).
  package var deviceConfigurations: [[UInt8]] = []

  package init() {}
}
