import TensorCore

/// The shape of a batch of one input.
enum BatchShape {
  /// The shape of every sample of a batch, checked to be the same and to fit in memory.
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

  /// Checks that a number of samples of `shape` fits in memory.
  static func check(_ shape: [Int], samples: Int, path: String) throws(DatasetError) {
    let bytes = Shape.elementCount([samples, MemoryLayout<Float>.size] + shape) ?? .max
    try MemoryLimit.check(bytes, path: path)
  }
}
