import GraphIR

/// A parsed equation of Einsum: a label for each axis of each operand and of the result.
///
/// Axes that an ellipsis stands for have labels of their own, counted from the end so that they broadcast.
struct EinsumEquation: Sendable, Hashable {
  enum Label: Sendable, Hashable {
    case letter(UInt8)
    /// The axis of an ellipsis that is this far from the last one.
    case broadcast(Int)
  }

  let operands: [[Label]]
  let result: [Label]

  /// - Throws: ``OperatorError`` where the equation isn't one, or doesn't fit operands of these ranks.
  init(_ text: String, ranks: [Int]) throws(OperatorError) {
    func refuse(_ why: String) -> OperatorError {
      .attributeValue(name: "equation", value: "'\(text)'", allowed: why)
    }
    let bytes = text.utf8.filter { $0 != UInt8(ascii: " ") }
    let compact = String(decoding: bytes, as: UTF8.self)
    var (left, right) = (compact, String?.none)
    if let arrow = compact.firstRange(of: "->") {
      left = String(compact[..<arrow.lowerBound])
      right = String(compact[arrow.upperBound...])
    }
    let terms = left.split(separator: ",", omittingEmptySubsequences: false)
    guard terms.count == ranks.count else {
      throw refuse("\(ranks.count) terms, one for each input")
    }
    var operands: [[Label]] = []
    var ellipsis = 0
    for (term, rank) in zip(terms, ranks) {
      guard let labels = Self.labels(String(term), rank: rank) else {
        throw refuse("letters and at most one '...' a term, a label for each of \(rank) axes")
      }
      operands.append(labels)
      ellipsis = max(ellipsis, labels.count { if case .broadcast = $0 { true } else { false } })
    }
    let known = Set(operands.joined())
    if let right {
      let hasEllipsis = right.firstRange(of: "...") != nil
      let letters = right.utf8.count - (hasEllipsis ? 3 : 0)
      guard let labels = Self.labels(right, rank: letters + (hasEllipsis ? ellipsis : 0)),
        Set(labels).count == labels.count, labels.allSatisfy(known.contains)
      else { throw refuse("distinct labels of the inputs in the result") }
      result = labels
    } else {
      var counts: [UInt8: Int] = [:]
      for case .letter(let letter) in operands.joined() { counts[letter, default: 0] += 1 }
      let once = counts.filter { $0.value == 1 }.keys.sorted()
      result = (0..<ellipsis).reversed().map(Label.broadcast) + once.map(Label.letter)
    }
    self.operands = operands
  }

  /// The labels of one term, `nil` where it isn't one.
  private static func labels(_ term: String, rank: Int) -> [Label]? {
    let dots = term.firstRange(of: "...")
    let before = dots.map { term[..<$0.lowerBound].utf8 } ?? term[...].utf8
    let after = dots.map { term[$0.upperBound...].utf8 } ?? ""[...].utf8
    let letters = Array(before) + Array(after)
    let isLetter = { (byte: UInt8) in (65...90).contains(byte) || (97...122).contains(byte) }
    let hidden = rank - letters.count
    guard letters.allSatisfy(isLetter), dots == nil ? hidden == 0 : hidden >= 0 else { return nil }
    return before.map(Label.letter) + (0..<max(hidden, 0)).reversed().map(Label.broadcast)
      + after.map(Label.letter)
  }
}
