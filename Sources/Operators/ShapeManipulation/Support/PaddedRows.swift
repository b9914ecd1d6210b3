import TensorCore

/// Where each element of a padded row-major tensor comes from.
struct PaddedRows: Sendable {
  private let outer: [[Int]]
  private let row: [Int]
  private let strides: [Int]

  /// - Parameters:
  ///   - sources: for each axis, the input position of each output position, -1 for the fill value.
  ///   - input: the input's shape.
  init(sources: [[Int]], input: [Int]) {
    outer = Array(sources.dropLast())
    row = sources.last ?? [0]
    strides = Shape.strides(input)
  }

  /// Calls `body` for each element of the output with its source, `nil` for the fill value.
  @inline(__always) func forEach(_ body: (_ target: Int, _ source: Int?) -> Void) {
    let rows = outer.reduce(1) { $0 * $1.count }
    for index in 0..<rows {
      var rest = index
      var start = 0
      var isInside = true
      for axis in outer.indices.reversed() {
        let (quotient, remainder) = rest.quotientAndRemainder(dividingBy: outer[axis].count)
        let position = outer[axis][remainder]
        isInside = isInside && position >= 0
        start += position * strides[axis]
        rest = quotient
      }
      let target = index * row.count
      for (column, position) in row.enumerated() {
        body(target + column, isInside && position >= 0 ? start + position : nil)
      }
    }
  }
}
