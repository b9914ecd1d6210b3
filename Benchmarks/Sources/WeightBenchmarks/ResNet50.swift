/// The convolutions of ResNet-50: output channels and the length of a dot product.
enum ResNet50 {
  static let layers: [(channels: Int, length: Int)] = {
    var layers = [(channels: 64, length: 3 * 49)]
    var input = 64
    for (width, blocks) in [(64, 3), (128, 4), (256, 6), (512, 3)] {
      for block in 0..<blocks {
        layers.append((width, input))
        layers.append((width, width * 9))
        layers.append((width * 4, width))
        if block == 0 { layers.append((width * 4, input)) }
        input = width * 4
      }
    }
    return layers
  }()

  static let weightCount = layers.reduce(0) { $0 + $1.channels * $1.length }

  /// Random weights, normal with He's variance, the same each time.
  static func weights() -> [[Float]] {
    var state: UInt64 = 1
    func uniform() -> Float {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return Float(state >> 40) * 0x1p-24
    }
    return layers.map { layer in
      let deviation = (2 / Float(layer.length)).squareRoot()
      return (0..<layer.channels * layer.length).map { _ in
        // A sum of twelve uniform numbers has variance 1.
        var sum: Float = -6
        for _ in 0..<12 { sum += uniform() }
        return sum * deviation
      }
    }
  }
}
