extension Augmentation: CustomStringConvertible {
  /// Reads `none`, or a list such as `flip,crop=4,jitter=0.2`, in which spaces are allowed.
  ///
  /// | item | meaning |
  /// | --- | --- |
  /// | `flip`, `vflip` | mirror left and right, top and bottom, half of the time |
  /// | `crop=P` | shift by up to P pixels each way, with black where the image doesn't reach |
  /// | `jitter=S` | change brightness, contrast and saturation, each by a factor in 1 ± S |
  /// | `brightness=S`, `contrast=S`, `saturation=S` | change one of these by a factor in 1 ± S |
  /// | `patch=N` | in super-resolution: take a random square of NxN target pixels |
  ///
  /// - Throws: ``AugmentationError`` where the text is anything else.
  package init(parsing text: String) throws(AugmentationError) {
    var seen: Set<Substring> = []
    var flips = (horizontal: false, vertical: false)
    var padding = 0
    var brightness: Double?
    var contrast: Double?
    var saturation: Double?
    var patch: Int?
    let items = text.split(separator: ",", omittingEmptySubsequences: false).map(Self.trimmed)
    if items == ["none"] {
      self = .none
      return
    }
    for item in items {
      let parts = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let name = Self.trimmed(parts.first ?? "")
      let value = parts.count == 2 ? Self.trimmed(parts[1]) : nil
      func integer(_ range: ClosedRange<Int>) throws(AugmentationError) -> Int {
        guard let value, let number = Int(value), range.contains(number) else {
          throw .value(
            item: String(item),
            expected: "\(name)= and a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
      }
      func strength() throws(AugmentationError) -> Double {
        guard let value, let number = Double(value), (0...Self.jitterLimit).contains(number) else {
          throw .value(item: String(item), expected: "\(name)= and a number from 0 to 10")
        }
        return number
      }
      switch name {
      case "flip", "vflip":
        guard value == nil else { throw .value(item: String(item), expected: String(name)) }
        if name == "flip" { flips.horizontal = true } else { flips.vertical = true }
      case "crop": padding = try integer(0...Self.paddingLimit)
      case "patch": patch = try integer(1...Self.patchLimit)
      case "brightness": brightness = try strength()
      case "contrast": contrast = try strength()
      case "saturation": saturation = try strength()
      case "jitter":
        let all = try strength()
        (brightness, contrast, saturation) = (all, all, all)
      default: throw .unknown(item: String(item))
      }
      let names = name == "jitter" ? ["brightness", "contrast", "saturation"] : [name]
      for name in names where !seen.insert(name).inserted { throw .repeated(item: String(item)) }
    }
    self.init(
      flipsHorizontally: flips.horizontal, flipsVertically: flips.vertical, cropPadding: padding,
      brightness: brightness ?? 0, contrast: contrast ?? 0, saturation: saturation ?? 0,
      patch: patch)
  }

  /// The text that ``init(parsing:)`` reads as this augmentation.
  public var description: String {
    var items: [String] = []
    if flipsHorizontally { items.append("flip") }
    if flipsVertically { items.append("vflip") }
    if cropPadding > 0 { items.append("crop=\(cropPadding)") }
    if hasJitter, brightness == contrast, contrast == saturation {
      items.append("jitter=\(brightness)")
    } else {
      if brightness > 0 { items.append("brightness=\(brightness)") }
      if contrast > 0 { items.append("contrast=\(contrast)") }
      if saturation > 0 { items.append("saturation=\(saturation)") }
    }
    if let patch { items.append("patch=\(patch)") }
    return items.isEmpty ? "none" : items.joined(separator: ",")
  }

  private static func trimmed(_ text: Substring) -> Substring {
    var text = text.drop { $0 == " " }
    while text.last == " " { text.removeLast() }
    return text
  }
}
