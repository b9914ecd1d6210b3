import GraphIR
import TensorCore

/// What a model takes and gives, as whoever prepares samples for it has to know.
public struct ModelPorts: Sendable, Hashable {
  /// An input that must be given, or an output.
  public struct Port: Sendable, Hashable {
    public var name: String
    /// `nil` where the file doesn't state it.
    public var type: TensorType?
  }

  public var inputs: [Port] = []
  public var outputs: [Port] = []

  public init() {}

  package init(_ graph: Graph) {
    func ports(_ values: [ValueID]) -> [Port] {
      values.map { Port(name: graph[$0].name, type: graph[$0].type) }
    }
    (inputs, outputs) = (ports(graph.inputs), ports(graph.outputs))
  }

  /// The ports that a line names; all are in the JSON.
  private static let limit = 6

  /// One sentence; `nil` where nothing is known.
  var sentence: String? {
    guard !inputs.isEmpty || !outputs.isEmpty else { return nil }
    func list(_ ports: [Port]) -> String {
      let shown = ports.prefix(Self.limit).map { port in
        "\(port.name.printable)\(port.type.map { " \($0)" } ?? "")"
      }
      let others = ports.count - shown.count
      return shown.joined(separator: ", ") + (others > 0 ? " and \(others) more" : "")
    }
    return TextStyle().quoting("Takes \(list(inputs)); gives \(list(outputs)).")
  }

  /// Members of `inspect --json`; empty where nothing is known.
  package var members: [JSONMember] {
    if self == ModelPorts() { return [] }
    func list(_ ports: [Port]) -> JSONValue {
      .array(
        ports.map { port in
          [
            "name": .string(port.name),
            "type": port.type.map { .string($0.elementType.onnxName) } ?? .null,
            "shape": port.type?.dimensions.map { dimensions in
              .array(
                dimensions.map { size in
                  size.size.map { JSONValue($0) } ?? .string(size.description)
                })
            } ?? .null,
          ]
        })
    }
    return [JSONMember("inputs", list(inputs)), JSONMember("outputs", list(outputs))]
  }
}
