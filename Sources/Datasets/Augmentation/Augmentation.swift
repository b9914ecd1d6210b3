/// Random changes to training images that leave what they show the same.
///
/// An image first goes through colour jitter, then the crop, then the flips, all of which apply to pixels before the
/// normalization.
public struct Augmentation: Sendable, Hashable {
  /// Whether half of the samples are mirrored left to right.
  public let flipsHorizontally: Bool
  /// Whether half of the samples are mirrored top to bottom.
  public let flipsVertically: Bool
  /// The width in pixels of a black border around an image, from which a part of the image's own size is taken, as in
  /// torchvision's `RandomCrop(size, padding)`; 0 for none.
  public let cropPadding: Int
  /// The strength S of the brightness factor, which is uniform in 1 ± S, as in torchvision's `ColorJitter`; 0 for
  /// none.
  public let brightness: Double
  /// The strength S of the contrast factor, which is uniform in 1 ± S; 0 for none.
  public let contrast: Double
  /// The strength S of the saturation factor, which is uniform in 1 ± S; 0 for none.
  public let saturation: Double
  /// In super-resolution, the side in pixels of the square that is taken from each target, together with the
  /// corresponding square of the input; `nil` for whole images.
  public let patch: Int?

  /// The largest padding, in pixels.
  static let paddingLimit = 1024
  /// The largest jitter; as in torchvision, a factor is cut off at 0.
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

  /// No change to samples.
  public static let none = Augmentation()

  /// Whether colours are changed.
  var hasJitter: Bool { brightness > 0 || contrast > 0 || saturation > 0 }
}
