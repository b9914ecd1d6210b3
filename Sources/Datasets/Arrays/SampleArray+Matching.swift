import TensorCore

extension SampleArray {
  /// The shape in which a stored sample fits the model's dimensions; `nil` where it doesn't fit.
  static func match(_ stored: [Int], _ model: [Dimension]) -> [Int]? {
    if model.count == stored.count,
      zip(model, stored).allSatisfy({ $0.size == nil || $0.size == $1 })
    {
      return stored
    }
    if model.count == 1, let count = Shape.elementCount(stored) {
      let wanted = model[0].size ?? count
      return wanted == count ? [count] : nil
    }
    var rest = stored[...]
    var shape: [Int] = []
    for dimension in model {
      // Dimensions of 1 that only the file has are dropped.
      while let next = rest.first, next == 1, let size = dimension.size, size != 1 {
        rest.removeFirst()
      }
      if dimension.size == 1, rest.first != 1 {
        shape.append(1)
      } else if let next = rest.first, dimension.size == nil || dimension.size == next {
        shape.append(next)
        rest.removeFirst()
      } else {
        return nil
      }
    }
    return rest.allSatisfy { $0 == 1 } ? shape : nil
  }
}
