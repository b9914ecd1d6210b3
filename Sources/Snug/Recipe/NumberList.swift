/// Numbers separated by commas, as in `0.4914,0.4822,0.4465`.
public struct NumberList: Sendable, Hashable {
  public var elements: [Double]

  /// `nil` unless every part is a finite number.
  public init?(_ text: String) {
    var elements: [Double] = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let trimmed = part.drop { $0 == " " }
      guard let end = trimmed.lastIndex(where: { $0 != " " }),
        let number = Double(trimmed[...end]), number.isFinite
      else { return nil }
      elements.append(number)
    }
    self.elements = elements
  }
}
