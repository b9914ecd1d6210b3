import TensorCore

/// What a checkpoint holds besides its arrays.
package struct CheckpointHeader: Sendable, Hashable {
  /// Everything that must be the same in a run that resumes, as a JSON object of scalars: options, and
  /// ``Fingerprint`` texts of the model and the data. A difference is reported by its key.
  package var configuration: JSONValue
  package var position: TrainingPosition
  /// The best validation metric so far, finite.
  package var bestMetric: Double?
  /// The epoch of ``bestMetric``.
  package var bestEpoch: Int?
  package var seed: UInt64
  /// Whatever else the training loop must know, such as counts of steps; an object.
  package var extra: JSONValue

  package init(
    configuration: JSONValue, position: TrainingPosition, bestMetric: Double? = nil,
    bestEpoch: Int? = nil, seed: UInt64 = 0, extra: JSONValue = .object([])
  ) {
    self.configuration = configuration
    self.position = position
    self.bestMetric = bestMetric
    self.bestEpoch = bestEpoch
    self.seed = seed
    self.extra = extra
  }
}

extension CheckpointHeader {
  /// The name and length of one array in a file.
  struct Entry: Sendable, Hashable {
    var name: String
    var count: Int
  }

  /// The version of the format that this code writes and reads.
  static let version: Int64 = 1

  /// A bound on steps, epochs and batches above what any training has; a sum of a few such counts fits an integer.
  static let countLimit: Int64 = 1 << 48

  /// The header as it is written in a file, with the arrays that follow it.
  func json(_ entries: [Entry]) -> JSONValue {
    [
      "version": .integer(Self.version),
      "fingerprint": .string(Fingerprint(configuration).description),
      "step": JSONValue(position.step),
      "epoch": JSONValue(position.epoch),
      "batch": JSONValue(position.batch),
      "best_metric": bestMetric.map { .number($0) } ?? .null,
      "best_epoch": bestEpoch.map { JSONValue($0) } ?? .null,
      // JSON integers beyond 63 bits are not read back exactly everywhere.
      "seed": .string("\(seed)"),
      "configuration": configuration,
      "arrays": JSONValue(
        entries.map { ["name": .string($0.name), "count": JSONValue($0.count)] }),
      "extra": extra,
    ]
  }

  /// Reads the header of a file and the list of arrays that follow it.
  ///
  /// - Throws: ``CheckpointError`` for another version, and for a member that is missing or wrong.
  static func decode(_ json: JSONValue, path: String) throws(CheckpointError)
    -> (header: CheckpointHeader, entries: [Entry])
  {
    func fault(_ field: String) -> CheckpointError { .malformed(path: path, field: field) }
    func count(_ field: String) throws(CheckpointError) -> Int {
      guard let value = json[field]?.integerValue, (0...countLimit).contains(value) else {
        throw fault(field)
      }
      return Int(value)
    }
    guard let version = json["version"]?.integerValue else { throw fault("version") }
    guard version == Self.version else {
      throw .version(path: path, found: version, supported: Self.version)
    }
    guard let configuration = json["configuration"], configuration.objectValue != nil,
      json["fingerprint"]?.stringValue == Fingerprint(configuration).description
    else { throw fault("configuration") }
    guard let extra = json["extra"], extra.objectValue != nil else { throw fault("extra") }
    guard let seed = json["seed"]?.stringValue.flatMap(UInt64.init) else { throw fault("seed") }
    let position = TrainingPosition(
      step: try count("step"), epoch: try count("epoch"), batch: try count("batch"))
    var header = CheckpointHeader(
      configuration: configuration, position: position, seed: seed, extra: extra)
    if let metric = json["best_metric"], metric != .null {
      guard let value = metric.doubleValue else { throw fault("best_metric") }
      header.bestMetric = value
    }
    if let epoch = json["best_epoch"], epoch != .null { header.bestEpoch = try count("best_epoch") }

    guard let list = json["arrays"]?.arrayValue else { throw fault("arrays") }
    var entries: [Entry] = []
    for item in list {
      guard let name = item["name"]?.stringValue, let count = item["count"]?.integerValue,
        count >= 0
      else { throw fault("arrays") }
      entries.append(Entry(name: name, count: Int(count)))
    }
    return (header, entries)
  }
}
