import GraphIR

/// How Resize finds and weighs the input positions of an output position along one axis.
struct Resampling: Sendable, Hashable {
  enum Mode: String, Sendable, Hashable, CaseIterable {
    case nearest, linear, cubic
  }

  /// Which input coordinate belongs to an output position.
  enum Coordinates: String, Sendable, Hashable, CaseIterable {
    case halfPixel = "half_pixel"
    case halfPixelSymmetric = "half_pixel_symmetric"
    case pytorchHalfPixel = "pytorch_half_pixel"
    case alignCorners = "align_corners"
    case asymmetric = "asymmetric"
    case tfHalfPixelForNearest = "tf_half_pixel_for_nn"
    case tfCropAndResize = "tf_crop_and_resize"
  }

  /// Which neighbour is the nearest.
  enum Rounding: String, Sendable, Hashable, CaseIterable {
    case roundPreferFloor = "round_prefer_floor"
    case roundPreferCeil = "round_prefer_ceil"
    case floor, ceil
    /// Before opset 11: the one before, or after where the axis shrinks.
    case simple

    var isToNearest: Bool { self == .roundPreferFloor || self == .roundPreferCeil }
  }

  var mode = Mode.nearest
  var coordinates = Coordinates.halfPixel
  var rounding = Rounding.roundPreferFloor
  /// The `a` of the cubic kernel.
  var cubicCoefficient: Float = -0.75
  /// Whether positions beyond the edge count nothing, rather than as the edge.
  var excludesOutside = false
  /// Whether the kernel is widened where the axis shrinks.
  var antialiases = false

  /// How one axis is resized.
  struct Axis: Sendable, Hashable {
    var input: Int
    var output: Int
    var scale: Float
    /// Whether the scale is the quotient of the two sizes, rounded.
    var isQuotient = false
    /// The part of the input that is resized, in tf_crop_and_resize.
    var region: ClosedRange<Float> = 0...1
    /// Whether the region's end lies before its start, which flips it.
    var isFlipped = false
  }

  /// - Precondition: sizes are positive and the scale is finite and above 0.
  func taps(_ axis: Axis) -> AxisTaps {
    var taps = AxisTaps(inputSize: axis.input)
    let last = Float(axis.input - 1)
    for position in 0..<axis.output {
      // A coordinate that lies half-way between two positions must not be rounded off there.
      let x =
        mode == .nearest && rounding.isToNearest && axis.isQuotient
        ? Float(coordinate(position, axis, scale: Double(axis.output) / Double(axis.input)))
        : coordinate(position, axis, scale: axis.scale)
      if coordinates == .tfCropAndResize, x < 0 || x > last {
        taps.append([], isOutside: true)
        continue
      }
      taps.append(neighbours(x, axis))
    }
    return taps
  }

  private func coordinate<T: BinaryFloatingPoint>(_ position: Int, _ axis: Axis, scale: T) -> T {
    let (x, size, count) = (T(position), T(axis.input), T(axis.output))
    let half = (x + 0.5) / scale - 0.5
    switch coordinates {
    case .halfPixel: return half
    case .halfPixelSymmetric:
      // The output counts whole positions: what is lost of the scaled size is lost at both ends.
      return size / 2 * (1 - count / (scale * size)) + half
    case .pytorchHalfPixel: return axis.output > 1 ? half : 0
    case .alignCorners: return axis.output > 1 ? x * (size - 1) / (count - 1) : 0
    case .asymmetric: return x / scale
    case .tfHalfPixelForNearest: return (x + 0.5) / scale
    case .tfCropAndResize:
      let (low, high) = (T(axis.region.lowerBound), T(axis.region.upperBound))
      let (start, end) = axis.isFlipped ? (high, low) : (low, high)
      return axis.output > 1
        ? start * (size - 1) + x * (end - start) * (size - 1) / (count - 1)
        : 0.5 * (start + end) * (size - 1)
    }
  }

  private func neighbours(_ x: Float, _ axis: Axis) -> [(source: Int, weight: Float)] {
    let last = axis.input - 1
    func clamped(_ index: Int) -> Int { min(max(index, 0), last) }
    if mode == .nearest { return [(clamped(nearest(x, isShrinking: axis.scale < 1)), 1)] }
    // A kernel that is widened has the scale as its unit.
    let unit = antialiases ? min(axis.scale, 1) : 1
    let reach = (mode == .linear ? 1 : 2) / unit
    var result: [(source: Int, weight: Float)] = []
    var sum: Float = 0
    for index in Int((x - reach).rounded(.up))...Int((x + reach).rounded(.down)) {
      if excludesOutside, index < 0 || index > last { continue }
      let weight = kernel(abs(Float(index) - x) * unit)
      if weight == 0 { continue }
      sum += weight
      if let previous = result.last, previous.source == clamped(index) {
        result[result.count - 1].weight += weight
      } else {
        result.append((clamped(index), weight))
      }
    }
    guard excludesOutside || antialiases, sum != 0 else { return result }
    return result.map { ($0.source, $0.weight / sum) }
  }

  private func nearest(_ x: Float, isShrinking: Bool) -> Int {
    switch rounding {
    case .roundPreferFloor: Int((x - 0.5).rounded(.up))
    case .roundPreferCeil: Int((x + 0.5).rounded(.down))
    case .floor: Int(x.rounded(.down))
    case .ceil: Int(x.rounded(.up))
    case .simple: isShrinking ? Int(x.rounded(.up)) : Int(x.rounded(.down))
    }
  }

  /// The weight of a position at distance `d`.
  private func kernel(_ d: Float) -> Float {
    if mode == .linear { return max(1 - d, 0) }
    return CubicKernel(coefficient: cubicCoefficient).weight(d)
  }
}

/// Keys' cubic convolution kernel.
struct CubicKernel: Sendable {
  var coefficient: Float

  /// The weight of a position at distance `d`, not negative.
  func weight(_ d: Float) -> Float {
    let a = coefficient
    if d <= 1 { return ((a + 2) * d - (a + 3)) * d * d + 1 }
    if d < 2 { return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a }
    return 0
  }

  /// The derivative of ``weight(_:)``.
  func slope(_ d: Float) -> Float {
    let a = coefficient
    if d <= 1 { return (3 * (a + 2) * d - 2 * (a + 3)) * d }
    if d < 2 { return (3 * a * d - 10 * a) * d + 8 * a }
    return 0
  }
}
