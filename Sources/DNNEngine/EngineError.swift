import COneDNN

/// Why the compute engine can't do something.
public enum EngineError: Error, Sendable, Hashable {
  /// A call into oneDNN failed.
  case call(function: String, status: EngineStatus)
  /// More memory is needed than the machine has.
  case memory(bytes: Int)
}

/// The status values of oneDNN.
public enum EngineStatus: UInt32, Sendable, Hashable {
  case success = 0
  case outOfMemory, invalidArguments, unimplemented, iteratorEnds, runtimeError, notRequired
  /// A value that this version of the headers doesn't name.
  case other = 0xFFFF
}

extension EngineError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .call(_, .outOfMemory): "memory ran out; give inputs of a smaller batch"
    case .call:
      "this combination of shapes and attributes can't be computed; give inputs of other shapes, or write it with "
        + "other operators and export the model again"
    case .memory(let bytes): "\(bytes) bytes don't fit in memory"
    }
  }
}

/// Checks the status of a call into oneDNN; every such call goes through here.
///
/// - Throws: ``EngineError/call(function:status:)`` unless the status is success.
@inline(__always)
func check(_ function: StaticString, _ status: dnnl_status_t) throws(EngineError) {
  guard status == dnnl_success else {
    throw .call(
      function: function.description, status: EngineStatus(rawValue: status.rawValue) ?? .other)
  }
}
