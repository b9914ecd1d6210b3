/// Bounds on what an untrusted file may ask for.
enum FormatLimits {
  /// Messages inside messages, as many as other protobuf readers allow; one subgraph takes three.
  static let depth = 100
  /// Values in one graph.
  static let values = 1 << 24
  /// The least supported version of the standard operator set.
  static let oldestOpset = 7
  static let oldestIRVersion = 3
  /// Bytes in one protobuf file, by the format's own limit.
  static let protobufBytes = Int(Int32.max)

  /// Memory that the decoded messages of a file may take, tensor data aside.
  ///
  /// A packed integer of one byte becomes eight in memory, a short node some ten times its size; an
  /// empty message of two bytes would become hundreds.
  static func decodedBytes(fileSize: Int) -> Int {
    let (scaled, overflow) = fileSize.multipliedReportingOverflow(by: 16)
    return overflow ? Int.max : max(scaled, 256 << 20)
  }
}
