import Reporting

/// What a layer costs at some widths, and what they do to the model's outputs where this layer alone has them.
struct WidthCandidate: Sendable, Hashable {
  var widths: LayerWidths
  var cost: Double
  /// Noise in the outputs, as a part of their power.
  var noise: Double
}

/// The widths of all layers from the least noise to the least cost, in single steps.
///
/// With noises that add up, each step takes the change of one layer that saves the most cost for the noise it adds: the walk
/// down the lower convex hulls of all layers together. No choice of points of the hulls has less noise at the cost of a step.
struct WidthFrontier {
  /// The candidates of each layer on its hull, from the dearest to the cheapest.
  let hulls: [[WidthCandidate]]
  /// The layer that each step moves to its next candidate.
  let steps: [Int]

  /// - Parameter candidates: of each layer, at least one.
  init(_ candidates: [[WidthCandidate]]) {
    hulls = candidates.map(Self.hull)
    var moves: [(slope: Double, layer: Int, place: Int)] = []
    for (layer, hull) in hulls.enumerated() {
      for place in hull.indices.dropLast() {
        moves.append((Self.slope(hull[place], hull[place + 1]), layer, place))
      }
    }
    // Along a hull slopes grow, so that sorting keeps each layer's own order.
    moves.sort { ($0.slope, $0.layer, $0.place) < ($1.slope, $1.layer, $1.place) }
    steps = moves.map(\.layer)
  }

  /// The widths of each layer after so many steps.
  func widths(after count: Int) -> [LayerWidths] {
    var places = [Int](repeating: 0, count: hulls.count)
    for layer in steps.prefix(count) { places[layer] += 1 }
    return zip(hulls, places).map { $0[$1].widths }
  }

  /// Noise added for each unit of cost saved.
  private static func slope(_ a: WidthCandidate, _ b: WidthCandidate) -> Double {
    (b.noise - a.noise) / (a.cost - b.cost)
  }

  /// The lower convex hull of noise over cost, from the least noise on.
  private static func hull(_ candidates: [WidthCandidate]) -> [WidthCandidate] {
    let sorted = candidates.sorted {
      ($0.cost, $0.noise, $0.widths.text) > ($1.cost, $1.noise, $1.widths.text)
    }
    var hull: [WidthCandidate] = []
    for candidate in sorted {
      // What costs as much or more and has no less noise is never taken.
      while let last = hull.last, last.noise >= candidate.noise { hull.removeLast() }
      while hull.count >= 2,
        slope(hull[hull.count - 2], hull[hull.count - 1]) >= slope(hull[hull.count - 1], candidate)
      { hull.removeLast() }
      hull.append(candidate)
    }
    return hull
  }
}
