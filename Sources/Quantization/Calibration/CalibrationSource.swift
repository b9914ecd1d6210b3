import TensorCore

/// Samples that conversion may read: unlabelled model inputs.
package protocol CalibrationSource: Sendable {
  /// The number of samples.
  var count: Int { get }

  /// The model's inputs, in the order of the graph, with `range.count` samples along dimension 0.
  ///
  /// - Throws: what the data's format calls for; ``ConversionError/calibrationData`` carries it on.
  func inputs(_ range: Range<Int>) throws -> [Tensor]

  /// Whether samples can be stacked. Those that can't hold each input as the model takes it, and are asked for one at a
  /// time.
  var isStackable: Bool { get }

  /// True where a sample has another shape than the one before it, so that no batch can hold both.
  func changesShape(at index: Int) -> Bool
}

extension CalibrationSource {
  package var isStackable: Bool { true }

  package func changesShape(at index: Int) -> Bool { false }
}

/// Samples held in memory.
package struct InMemoryCalibration: CalibrationSource {
  private let tensors: [Tensor]

  /// - Parameter tensors: one tensor a graph input, samples along dimension 0.
  ///
  /// Returns `nil` unless every tensor has at least one dimension and the same number of samples.
  package init?(_ tensors: [Tensor]) {
    guard let count = tensors.first?.shape.first, tensors.allSatisfy({ $0.shape.first == count })
    else { return nil }
    self.tensors = tensors
  }

  package var count: Int { tensors[0].shape[0] }

  package func inputs(_ range: Range<Int>) throws -> [Tensor] {
    tensors.compactMap { $0.slice(range) }
  }
}
