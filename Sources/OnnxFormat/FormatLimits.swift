/// Bounds on what an untrusted file may demand.
enum FormatLimits {
  /// The depth of messages inside messages, that of other protobuf readers; a subgraph takes three levels.
  static let depth = 100
  /// The number of values in one graph.
  static let values = 1 << 24
  /// The length of a chain of functions that call each other.
  static let functionDepth = 100
  /// The number of nodes, with their inputs and outputs, that the calls of a model's functions may become.
  static let expandedParts = 1 << 17
  /// The least supported version of the standard operator set.
  static let oldestOpset = 7
  static let oldestIRVersion = 3
  /// The number of bytes in one protobuf file, which is the format's own limit.
  static let protobufBytes = Int(Int32.max)

  /// The bytes of memory that decoded messages may take, by the number of bytes in the file apart from tensor data.
  ///
  /// A short node with attributes takes some twenty times its size, an empty message of two bytes hundreds of times.
  static func decodedBytes(structureBytes: Int) -> Int {
    let (scaled, overflow) = structureBytes.multipliedReportingOverflow(by: 64)
    return overflow ? 8 << 30 : min(max(scaled, 256 << 20), 8 << 30)
  }
}
