import TensorCore

/// The random choices for one sample.
///
/// All are drawn in a fixed order, whether used or not, so that leaving out the jitter changes no crop.
struct AugmentationDraw: Sendable, Hashable {
  var mirrorsHorizontally: Bool
  var mirrorsVertically: Bool
  /// The crop's horizontal place among all its places, in 0..<1.
  var horizontal: Double
  /// The crop's vertical place among all its places, in 0..<1.
  var vertical: Double
  /// The factor of brightness, 1 for no change.
  var brightness: Double
  /// The factor of contrast, 1 for no change.
  var contrast: Double
  /// The factor of saturation, 1 for no change.
  var saturation: Double

  init(_ augmentation: Augmentation, seed: UInt64) {
    var generator = SplitMix64(seed: seed)
    /// A number that is uniform in 0..<1.
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

  /// The element of `0..<count` at the fraction `position` of it.
  static func place(_ position: Double, among count: Int) -> Int { Int(position * Double(count)) }

  /// The window that the crop takes from an image of `size` with `padding` around it.
  func window(of size: ImageSize, padding: Int) -> PixelWindow {
    PixelWindow(
      size: size, x: Self.place(horizontal, among: 2 * padding + 1) - padding,
      y: Self.place(vertical, among: 2 * padding + 1) - padding,
      mirrorsHorizontally: mirrorsHorizontally, mirrorsVertically: mirrorsVertically)
  }
}
