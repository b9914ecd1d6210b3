/// Bounds on what an untrusted file may ask for.
enum FormatLimits {
  /// Messages inside messages, as many as other protobuf readers allow; one subgraph takes three.
  static let depth = 100
  /// Values in one graph.
  static let values = 1 << 24
  /// Functions that call each other in a chain.
  static let functionDepth = 100
  /// Nodes that the calls of a model's functions may become.
  static let expandedNodes = 1 << 17
  /// The least supported version of the standard operator set.
  static let oldestOpset = 7
  static let oldestIRVersion = 3
  /// Bytes in one protobuf file, by the format's own limit.
  static let protobufBytes = Int(Int32.max)

  /// Memory that the messages in so many bytes of a file, tensor data aside, may take once decoded.
  ///
  /// A short node with attributes takes some twenty times its size; an empty message of two bytes would
  /// take hundreds of times.
  static func decodedBytes(structureBytes: Int) -> Int {
    let (scaled, overflow) = structureBytes.multipliedReportingOverflow(by: 64)
    return overflow ? 8 << 30 : min(max(scaled, 256 << 20), 8 << 30)
  }
}
