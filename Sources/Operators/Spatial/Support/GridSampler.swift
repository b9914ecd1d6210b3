import TensorCore

/// The arithmetic of GridSample: which elements of a plane a position reads, and how they count.
struct GridSampler: Sendable {
  let mode: GridSample.Mode
  let padding: GridSample.Padding
  let alignsCorners: Bool
  let samples: Int
  let channels: Int
  /// Spatial shape of the input.
  let input: [Int]
  /// Positions of the output in one plane.
  let positions: Int

  var inputCount: Int { input.reduce(1, *) }

  /// What one position reads.
  struct Taps {
    /// Places in a plane, their weights, and the derivatives of the weights by each coordinate of the grid.
    var places: [Int] = []
    var weights: [Float] = []
    var slopes: [[Float]]
    /// The same along one axis; a place of -1 lies outside.
    fileprivate var along: [(place: Int, weight: Float, slope: Float)] = []

    init(rank: Int) { slopes = [[Float]](repeating: [], count: rank) }
  }

  /// Finds what the position at `grid`, of one coordinate an axis, reads.
  func find(_ grid: UnsafePointer<Float>, _ taps: inout Taps) {
    taps.places = [0]
    taps.weights = [1]
    for axis in input.indices { taps.slopes[axis] = [1] }
    for axis in input.indices {
      // The grid names the last axis first.
      findAlong(axis, grid[input.count - 1 - axis], &taps.along)
      let (places, weights, slopes) = (taps.places, taps.weights, taps.slopes)
      taps.places.removeAll(keepingCapacity: true)
      taps.weights.removeAll(keepingCapacity: true)
      for other in input.indices { taps.slopes[other].removeAll(keepingCapacity: true) }
      for index in places.indices {
        for tap in taps.along where tap.place >= 0 {
          taps.places.append(places[index] * input[axis] + tap.place)
          taps.weights.append(weights[index] * tap.weight)
          for other in input.indices {
            taps.slopes[other].append(
              slopes[other][index] * (other == axis ? tap.slope : tap.weight))
          }
        }
      }
    }
  }

  /// Gradients by the plane's elements and by the grid.
  func backward(
    _ x: UnsafePointer<Float>, _ grid: UnsafePointer<Float>, _ dy: UnsafePointer<Float>,
    dx: UnsafeMutablePointer<Float>?, dgrid: UnsafeMutablePointer<Float>?
  ) {
    let rank = input.count
    dx?.update(repeating: 0, count: samples * channels * inputCount)
    dgrid?.update(repeating: 0, count: samples * positions * rank)
    var taps = Taps(rank: rank)
    for point in 0..<samples * positions {
      find(grid + point * rank, &taps)
      let (sample, position) = point.quotientAndRemainder(dividingBy: positions)
      for channel in 0..<channels {
        let plane = sample * channels + channel
        let upstream = dy[plane * positions + position]
        for (index, place) in taps.places.enumerated() {
          dx?[plane * inputCount + place] += upstream * taps.weights[index]
          guard let dgrid else { continue }
          let value = upstream * x[plane * inputCount + place]
          for axis in 0..<rank {
            dgrid[point * rank + rank - 1 - axis] += value * taps.slopes[axis][index]
          }
        }
      }
    }
  }

  private func findAlong(
    _ axis: Int, _ coordinate: Float, _ taps: inout [(place: Int, weight: Float, slope: Float)]
  ) {
    taps.removeAll(keepingCapacity: true)
    let size = Float(input[axis])
    // Coordinates are data: what no integer can hold lies outside.
    let bounded = coordinate.isNaN ? -2 : min(max(coordinate, -0x1p20), 0x1p20)
    var x = alignsCorners ? (bounded + 1) / 2 * (size - 1) : ((bounded + 1) * size - 1) / 2
    var scale = alignsCorners ? (size - 1) / 2 : size / 2
    if mode == .nearest { x = x.rounded(.toNearestOrEven) }
    let (low, high): (Float, Float) = alignsCorners ? (0, size - 1) : (-0.5, size - 0.5)
    // The cubic kernel reads past the border, element by element.
    if mode != .cubic, x < low || x > high {
      switch padding {
      case .zeros: break
      case .border:
        x = min(max(x, 0), size - 1)
        scale = 0
      case .reflection:
        let (reflected, isMirrored) = Self.reflected(x, low, high)
        x = reflected
        if isMirrored { scale = -scale }
      }
    }
    let first = x.rounded(.down)
    let fraction = x - first
    let base = Int(first)
    switch mode {
    case .nearest: taps.append((place(base, axis, low, high), 1, 0))
    case .linear:
      taps.append((place(base, axis, low, high), 1 - fraction, -scale))
      taps.append((place(base + 1, axis, low, high), fraction, scale))
    case .cubic:
      let kernel = CubicKernel(coefficient: -0.75)
      for offset in -1...2 {
        let distance = fraction - Float(offset)
        let slope = kernel.slope(abs(distance)) * (distance < 0 ? -scale : scale)
        taps.append(
          (place(base + offset, axis, low, high), kernel.weight(abs(distance)), slope))
      }
    }
  }

  /// The input position that stands for `index`, -1 for none.
  private func place(_ index: Int, _ axis: Int, _ low: Float, _ high: Float) -> Int {
    let last = input[axis] - 1
    if (0...last).contains(index) { return index }
    switch padding {
    case .zeros: return -1
    case .border: return min(max(index, 0), last)
    case .reflection:
      return min(max(Int(Self.reflected(Float(index), low, high).value), 0), last)
    }
  }

  /// `x` reflected at the borders until it lies between them, and whether its direction is reversed.
  private static func reflected(_ x: Float, _ low: Float, _ high: Float) -> (
    value: Float, isMirrored: Bool
  ) {
    let range = high - low
    guard range > 0 else { return (low, false) }
    guard x < low || x > high else { return (x, false) }
    let distance = x < low ? low - x : x - high
    let turns = (distance / range).rounded(.towardZero)
    let rest = distance - turns * range
    let isEven = turns.truncatingRemainder(dividingBy: 2) == 0
    // An even number of turns ends at the border that was crossed, walking back.
    let value = (x < low) == isEven ? low + rest : high - rest
    return (value, isEven)
  }
}
