import TensorCore

/// What an operator may ask of its inputs to tell that its outputs can't be negative.
package struct OperandSigns {
  /// The number of inputs, omitted ones included.
  package let count: Int
  /// Whether no element of an input can be negative; false for one that is omitted.
  package let isNonNegative: (_ input: Int) -> Bool
  /// The elements of a constant input.
  package let constant: (_ input: Int) -> Tensor?
  /// Whether the inputs are all the same value.
  package let areOneValue: Bool

  package init(
    count: Int, isNonNegative: @escaping (Int) -> Bool, constant: @escaping (Int) -> Tensor?,
    areOneValue: Bool
  ) {
    self.count = count
    self.isNonNegative = isNonNegative
    self.constant = constant
    self.areOneValue = areOneValue
  }

  /// Whether no input can be negative.
  package var all: Bool { (0..<count).allSatisfy(isNonNegative) }
  /// Whether some input can't be negative.
  package var any: Bool { (0..<count).contains(where: isNonNegative) }
  /// Whether the first input can't be negative.
  package var first: Bool { isNonNegative(0) }
}

extension Graph {
  /// Whether no element of a value can be negative, whatever the graph's inputs are, as far as operators tell.
  package func isNonNegative(_ value: ValueID) -> Bool {
    var known: [ValueID: Bool] = [:]
    // What is above comes first, on a list of its own, so that long chains of values don't become deep recursions.
    var pending = [value]
    var entered: Set<ValueID> = []
    while let next = pending.last {
      if known[next] == nil, entered.insert(next).inserted {
        pending += (producer(of: next)?.inputs ?? []).compactMap { $0 }.filter {
          known[$0] == nil && !entered.contains($0)
        }
      } else {
        pending.removeLast()
        if known[next] == nil { known[next] = decide(next, known) }
      }
    }
    return known[value] ?? false
  }

  private func decide(_ value: ValueID, _ known: [ValueID: Bool]) -> Bool {
    if let constant = self[value].constant?.convertedToFloat() {
      return constant.withElements(of: Float.self) { $0.allSatisfy { $0 >= 0 } }
    }
    guard let node = producer(of: value) else { return false }
    if let range = outputRange(of: value), range.minimum >= 0, node.outputs.first == value {
      return true
    }
    func sign(_ position: Int) -> Bool {
      position < node.inputs.count && node.inputs[position].flatMap { known[$0] } ?? false
    }
    if let moved = node.movedInputs(to: value) { return moved.allSatisfy(sign) }
    return node.outputs.first == value
      && node.op.cannotBeNegative(
        OperandSigns(
          count: node.inputs.count, isNonNegative: sign,
          constant: { position in
            position < node.inputs.count ? node.inputs[position].flatMap { self[$0].constant } : nil
          },
          areOneValue: Set(node.inputs).count == 1))
  }
}
