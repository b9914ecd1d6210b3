import Execution
import GraphIR
import TensorCore

/// The boxes of each class that overlap no better one of it by too much (ONNX NonMaxSuppression, opset 10, 11).
///
/// Boxes `[batch, boxes, 4]`, scores `[batch, classes, boxes]`, then, each optional, the most boxes of a class (none where it
/// is left out), the overlap from which on a box is left out, and the score that a box must exceed. Output
/// `[n, 3]`: sample, class and box, by sample and class, the best first.
package struct NonMaxSuppression: SerializableOperator, StaticOperator {
  package static let schema = OperatorSchema(
    "NonMaxSuppression", since: 10, inputs: 2...5,
    inputTypes: [[.float32], [.float32], .index, [.float32], [.float32]])

  /// Whether a box is its centre, width and height rather than two opposite corners.
  package var takesCentres: Bool

  package init(takesCentres: Bool = false) { self.takesCentres = takesCentres }

  package init(attributes: AttributeReader) throws(OperatorError) {
    takesCentres = try attributes.bool("center_point_box", default: false)
  }

  package func attributes() -> [Attribute] {
    takesCentres ? [Attribute("center_point_box", .int(1))] : []
  }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    for index in 0..<2 {
      if let rank = inputs.dimensions(index)?.count, rank != 3 {
        throw .rank(input: index, expected: "3", actual: rank)
      }
    }
    if let boxes = inputs.dimensions(0), let scores = inputs.dimensions(1) {
      for (what, actual, expected) in [
        ("numbers of a box", boxes[2], .fixed(4)), ("samples of the scores", scores[0], boxes[0]),
        ("boxes of the scores", scores[2], boxes[1]),
      ] as [(String, Dimension, Dimension)] {
        guard let size = actual.size, let wanted = expected.size, size != wanted else { continue }
        throw .mismatch(what: what, expected: "\(wanted)", actual: "\(size)")
      }
    }
    if let results = fold(inputs) { return results.map(\.type) }
    return [TensorType(.int64, [.unknown, .fixed(3)])]
  }

  package func fold(_ inputs: [InputInfo?]) -> [Tensor]? {
    guard let boxes = inputs.constant(0), let scores = inputs.constant(1),
      (2..<5).allSatisfy({ !inputs.isPresent($0) || inputs.constant($0)?.count == 1 })
    else { return nil }
    func scalar(_ index: Int) -> Float? {
      inputs.constant(index)?.elements(of: Float.self).first
    }
    let limit = inputs.constant(2)?.elements(of: Int64.self).first ?? 0
    let overlap = scalar(3) ?? 0
    let leastScore = scalar(4)
    let corners = boxes.elements(of: Float.self)
    let all = scores.elements(of: Float.self)
    let (samples, classes, count) = (scores.shape[0], scores.shape[1], scores.shape[2])
    var found: [Int64] = []
    for sample in 0..<samples {
      let own = (0..<count).map { index in
        Box(corners[(sample * count + index) * 4..<(sample * count + index + 1) * 4], takesCentres)
      }
      for label in 0..<classes {
        let row = all[(sample * classes + label) * count..<(sample * classes + label + 1) * count]
        let scores = Array(row)
        var chosen: [Int] = []
        for index in Self.ranked(scores, above: leastScore) where chosen.count < limit {
          guard !chosen.contains(where: { own[$0].overlaps(own[index], above: overlap) }) else {
            continue
          }
          chosen.append(index)
          found += [Int64(sample), Int64(label), Int64(index)]
        }
      }
    }
    return [Tensor(found, shape: [found.count / 3, 3])]
  }

  /// The boxes whose score is high enough, the best first and of equals the first.
  private static func ranked(_ scores: [Float], above least: Float?) -> [Int] {
    scores.indices.filter { index in least.map { scores[index] > $0 } ?? true }.sorted {
      // NaN comes last, so that this is an order.
      let (a, b) = (scores[$0], scores[$1])
      if a.isNaN || b.isNaN { return a.isNaN == b.isNaN ? $0 < $1 : b.isNaN }
      return a == b ? $0 < $1 : a > b
    }
  }

  private struct Box {
    var (low, high): (SIMD2<Float>, SIMD2<Float>)

    init(_ numbers: ArraySlice<Float>, _ isCentre: Bool) {
      let start = numbers.startIndex
      let first = SIMD2(numbers[start], numbers[start + 1])
      let second = SIMD2(numbers[start + 2], numbers[start + 3])
      low = isCentre ? first - second / 2 : pointwiseMin(first, second)
      high = isCentre ? first + second / 2 : pointwiseMax(first, second)
    }

    private var area: Float { (high.x - low.x) * (high.y - low.y) }

    /// Whether the common area is more than a share of the area of both.
    func overlaps(_ other: Box, above threshold: Float) -> Bool {
      let size = pointwiseMax(
        pointwiseMin(high, other.high) - pointwiseMax(low, other.low), SIMD2(0, 0))
      let common = size.x * size.y
      let union = area + other.area - common
      guard common > 0, area > 0, other.area > 0, union > 0 else { return false }
      return common / union > threshold
    }
  }
}
