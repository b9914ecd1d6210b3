import TensorCore

/// The random choices for one sample.
///
/// All are drawn in one order whether used or not: leaving out the jitter changes no crop.
struct AugmentationDraw: Sendable, Hashable {
  var mirrorsHorizontally: Bool
  var mirrorsVertically: Bool
  /// Where a crop lies among all its places, each in 0..<1.
  var horizontal: Double
  var vertical: Double
  /// 1 for no change.
  var brightness: Double
  var contrast: Double
  var saturation: Double

  init(_ augmentation: Augmentation, seed: UInt64) {
    var generator = SplitMix64(seed: seed)
    /// Uniform in 0..<1.
    func unit() -> Double { Double(generator.next() >> 11) * 0x1p-53 }
    func factor(_ strength: Double) -> Double { max(0, 1 + strength * (2 * unit() - 1)) }
    mirrorsHorizontally = unit() < 0.5 && augmentation.flipsHorizontally
    mirrorsVertically = unit() < 0.5 && augmentation.flipsVertically
    horizontal = unit()
    vertical = unit()
    brightness = factor(augmentation.brightness)
    contrast = factor(augmentation.contrast)
    saturation = factor(augmentation.saturation)
  }

  /// One of `0..<count`, at the same share of it as `position` of 1.
  static func place(_ position: Double, among count: Int) -> Int { Int(position * Double(count)) }

  /// The part of the image of `size`, with `padding` around it, that the crop takes.
  func window(of size: ImageSize, padding: Int) -> PixelWindow {
    PixelWindow(
      size: size, x: Self.place(horizontal, among: 2 * padding + 1) - padding,
      y: Self.place(vertical, among: 2 * padding + 1) - padding,
      mirrorsHorizontally: mirrorsHorizontally, mirrorsVertically: mirrorsVertically)
  }
}
