/// Random changes to training images that leave what they show the same.
///
/// Each image goes through colour jitter, then the crop, then the flips. All of it happens to
/// pixels, before the normalisation.
public struct Augmentation: Sendable, Hashable {
  /// Mirror left and right in half of the samples.
  public let flipsHorizontally: Bool
  /// Mirror top and bottom in half of the samples.
  public let flipsVertically: Bool
  /// Pixels of black put around an image, out of which a part of the image's own size is taken, as
  /// torchvision's `RandomCrop(size, padding)` does; 0 for none.
  public let cropPadding: Int
  /// The brightness factor is uniform in 1 ± this, as in torchvision's `ColorJitter`; 0 for none.
  public let brightness: Double
  /// The contrast factor is uniform in 1 ± this; 0 for none.
  public let contrast: Double
  /// The saturation factor is uniform in 1 ± this; 0 for none.
  public let saturation: Double
  /// Super-resolution: the side in pixels of the square taken out of each target, at the same place
  /// as the square that many times the scale smaller of the input; `nil` for whole images.
  public let patch: Int?

  /// The largest padding, in pixels.
  static let paddingLimit = 1024
  /// The largest jitter; torchvision too cuts a factor off at 0.
  static let jitterLimit = 10.0
  /// The largest side of a patch, in pixels.
  static let patchLimit = 8192

  /// - Precondition: `cropPadding` is in 0...1024, each jitter in 0...10, `patch` in 1...8192.
  public init(
    flipsHorizontally: Bool = false, flipsVertically: Bool = false, cropPadding: Int = 0,
    brightness: Double = 0, contrast: Double = 0, saturation: Double = 0, patch: Int? = nil
  ) {
    precondition((0...Self.paddingLimit).contains(cropPadding), "padding \(cropPadding)")
    for jitter in [brightness, contrast, saturation] {
      precondition((0...Self.jitterLimit).contains(jitter), "jitter \(jitter)")
    }
    precondition(patch.map { (1...Self.patchLimit).contains($0) } ?? true, "an impossible patch")
    self.flipsHorizontally = flipsHorizontally
    self.flipsVertically = flipsVertically
    self.cropPadding = cropPadding
    self.brightness = brightness
    self.contrast = contrast
    self.saturation = saturation
    self.patch = patch
  }

  /// Samples as they are.
  public static let none = Augmentation()

  /// Whether colours vary.
  var hasJitter: Bool { brightness > 0 || contrast > 0 || saturation > 0 }
}
