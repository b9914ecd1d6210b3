/// Changes brightness, contrast and saturation by given factors, on 8-bit RGB pixels in place.
///
/// Each change is a blend with another image, clamped to 0...255 and rounded down, in this order: with black, with
/// the mean of the grey image, with the grey image. This is what torchvision's `ColorJitter` computes on byte
/// tensors, except that it shuffles the order and changes the hue too.
enum ColorJitter {
  static func apply(
    _ draw: AugmentationDraw, to pixels: UnsafeMutableBufferPointer<UInt8>
  ) {
    if draw.brightness != 1 {
      let table = blends(draw.brightness, with: 0)
      for index in pixels.indices { pixels[index] = table[Int(pixels[index])] }
    }
    if draw.contrast != 1, !pixels.isEmpty {
      var sum = 0
      for start in stride(from: 0, to: pixels.count, by: 3) { sum += Int(grey(pixels, start)) }
      let table = blends(draw.contrast, with: Float(sum) / Float(pixels.count / 3))
      for index in pixels.indices { pixels[index] = table[Int(pixels[index])] }
    }
    if draw.saturation != 1 {
      let factor = Float(draw.saturation)
      for start in stride(from: 0, to: pixels.count, by: 3) {
        let rest = (1 - factor) * Float(grey(pixels, start))
        for index in start..<start + 3 { pixels[index] = cut(factor * Float(pixels[index]) + rest) }
      }
    }
  }

  /// The table of every byte blended with one value.
  private static func blends(_ factor: Double, with other: Float) -> [UInt8] {
    let factor = Float(factor)
    return (0..<256).map { cut(factor * Float($0) + (1 - factor) * other) }
  }

  private static func grey(_ pixels: UnsafeMutableBufferPointer<UInt8>, _ start: Int) -> UInt8 {
    cut(
      0.2989 * Float(pixels[start]) + 0.587 * Float(pixels[start + 1])
        + 0.114 * Float(pixels[start + 2]))
  }

  private static func cut(_ value: Float) -> UInt8 { UInt8(min(max(value, 0), 255)) }
}
