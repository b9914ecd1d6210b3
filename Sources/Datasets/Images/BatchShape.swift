import TensorCore

/// The shape of a batch of one input.
enum BatchShape {
  /// The shape that all samples of a batch share, checked to fit in memory.
  static func common(_ dataset: some Dataset, _ indices: [Int]) throws(DatasetError) -> [Int] {
    precondition(!indices.isEmpty, "an empty batch")
    let shape = dataset.sampleShape(at: indices[0])
    for index in indices.dropFirst() {
      let other = dataset.sampleShape(at: index)
      guard other == shape else {
        throw .mixedShapes(path: dataset.path, first: shape, other: other)
      }
    }
    try check(shape, samples: indices.count, path: dataset.path)
    return shape
  }

  /// Checks that so many samples of `shape` fit in memory.
  static func check(_ shape: [Int], samples: Int, path: String) throws(DatasetError) {
    let bytes = Shape.elementCount([samples, MemoryLayout<Float>.size] + shape) ?? .max
    try MemoryLimit.check(bytes, path: path)
  }
}
