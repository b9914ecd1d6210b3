import Foundation
import TestSupport

/// A version of an operator as ONNX defines it.
struct OperatorVersion: Decodable {
  struct Input: Decodable {
    var name: String
    var isRequired: Bool
  }

  struct Attribute: Decodable {
    var name: String
    /// As ``AttributeValue/kind`` has it.
    var kind: String
    var isRequired: Bool
  }

  var type: String
  var version: Int
  var isDeprecated: Bool
  var inputs: [Input]
  var maximumInputs: Int
  var minimumOutputs: Int
  var maximumOutputs: Int
  var attributes: [Attribute]

  /// All versions of the standard operators that the `onnx` package of the peers' Python knows; `nil` where there is none.
  static let history: [OperatorVersion]? = {
    let program = """
      import json, onnx
      def name(value): return str(value).split(".")[-1]
      print(json.dumps([
          dict(type=s.name, version=s.since_version, isDeprecated=s.deprecated,
               inputs=[dict(name=i.name, isRequired=name(i.option) == "Single") for i in s.inputs],
               maximumInputs=min(s.max_input, 1 << 30), minimumOutputs=s.min_output,
               maximumOutputs=min(s.max_output, 1 << 30),
               attributes=[dict(name=a.name, kind=name(a.type).lower(), isRequired=a.required)
                           for a in s.attributes.values()])
          for s in onnx.defs.get_all_schemas_with_history() if s.domain == ""]))
      """
    guard Peers.python != nil, let result = try? Peers.runPython(program), result.status == 0
    else { return nil }
    return try? JSONDecoder().decode([OperatorVersion].self, from: Data(result.output.utf8))
  }()
}
