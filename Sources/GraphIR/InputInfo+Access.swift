import TensorCore

/// Access by position that treats an absent optional input and one beyond the end alike.
extension [InputInfo?] {
  package func isPresent(_ index: Int) -> Bool { indices.contains(index) && self[index] != nil }

  package func type(_ index: Int) -> TensorType? {
    indices.contains(index) ? self[index]?.type : nil
  }

  package func dimensions(_ index: Int) -> [Dimension]? { type(index)?.dimensions }

  package func constant(_ index: Int) -> Tensor? {
    indices.contains(index) ? self[index]?.constant : nil
  }

  /// The elements of a constant integer input; `nil` where it is absent or not constant.
  ///
  /// - Throws: ``OperatorError/elementType`` where it is constant with another element type.
  package func integers(_ index: Int) throws(OperatorError) -> [Int]? {
    guard let constant = constant(index) else { return nil }
    guard let integers = constant.integers() else {
      throw .elementType(input: index, actual: constant.elementType, allowed: .integer)
    }
    return integers
  }

  /// The rank of an input, where known, checked against what the operator takes.
  package func requireRank(_ index: Int, atLeast minimum: Int) throws(OperatorError) -> Int? {
    guard let rank = dimensions(index)?.count else { return nil }
    guard rank >= minimum else {
      throw .rank(input: index, expected: "at least \(minimum)", actual: rank)
    }
    return rank
  }

  /// Checks that an optional input of known shape is a vector of the given length.
  package func requireVector(_ index: Int, _ what: String, count: Dimension?) throws(OperatorError)
  {
    guard let dimensions = dimensions(index) else { return }
    guard dimensions.count == 1 else {
      throw .rank(input: index, expected: "1", actual: dimensions.count)
    }
    if let expected = count?.size, let actual = dimensions[0].size, expected != actual {
      throw .mismatch(what: "length of \(what)", expected: "\(expected)", actual: "\(actual)")
    }
  }
}

extension OperatorSchema {
  /// Checks the element types of the inputs against ``inputTypes``.
  ///
  /// - Throws: ``OperatorError/elementType`` for the first input that doesn't fit.
  package func checkTypes(_ inputs: [InputInfo?]) throws(OperatorError) {
    guard let last = inputTypes.last else { return }
    for index in inputs.indices {
      let allowed = index < inputTypes.count ? inputTypes[index] : last
      guard let actual = inputs.type(index)?.elementType, !allowed.contains(actual) else {
        continue
      }
      throw .elementType(input: index, actual: actual, allowed: allowed)
    }
  }
}

extension Operator {
  /// ``infer(_:)`` after the checks that the schema describes.
  ///
  /// - Throws: ``OperatorError`` where number, element types or shapes of the inputs don't fit.
  package func inferChecked(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    guard !isOpaque else { return [] }
    guard Self.schema.inputs.contains(inputs.count) else {
      throw .arity(what: "inputs", expected: Self.schema.inputs, actual: inputs.count)
    }
    try Self.schema.checkTypes(inputs)
    return try infer(inputs)
  }
}
