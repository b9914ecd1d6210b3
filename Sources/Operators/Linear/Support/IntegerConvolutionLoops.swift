import GraphIR
import TensorCore

/// A convolution of integers by plain loops: exact for any zero points, groups and dilations.
struct IntegerConvolutionLoops: Sendable {
  private let window: ResolvedWindow
  private let group: Int
  /// `[N, C, spatial...]` and `[O, C/group, kernel...]`.
  private let x: [Int]
  private let weight: [Int]
  private let output: [Int]
  private let padBegin: [Int]

  init(window: ResolvedWindow, group: Int, x: [Int], weight: [Int], output: [Int]) {
    self.window = window
    self.group = group
    self.x = x
    self.weight = weight
    self.output = output
    padBegin = window.kernel.indices.map { window.padding($0, size: x[$0 + 2]).begin }
  }

  var inputCount: Int { x.reduce(1, *) }
  var weightCount: Int { weight.reduce(1, *) }
  /// Output channels.
  var channels: Int { weight[0] }
  /// Output planes, one for each sample and output channel, and elements of each.
  var planes: Int { output[0] * output[1] }
  var planeCount: Int { output[2...].reduce(1, *) }

  /// Writes the sums of each plane.
  ///
  /// - Parameters:
  ///   - x, weight: integers without their zero points; padding counts nothing.
  func run(
    _ x: UnsafePointer<Int16>, _ weight: UnsafePointer<Int16>,
    to sums: UnsafeMutablePointer<Int32>
  ) {
    Parallelism.forEachRange(count: planes, sharing: x, weight, sums) { range, x, weight, sums in
      for plane in range { self.plane(plane, x, weight, sums + plane * planeCount) }
    }
  }

  private func plane(
    _ plane: Int, _ x: UnsafePointer<Int16>, _ weight: UnsafePointer<Int16>,
    _ sums: UnsafeMutablePointer<Int32>
  ) {
    sums.update(repeating: 0, count: planeCount)
    let (sample, channel) = plane.quotientAndRemainder(dividingBy: output[1])
    let perGroup = self.weight[1]
    let firstInput = channel / (output[1] / group) * perGroup
    let taps = window.kernel.reduce(1, *)
    let inputPlane = self.x[2...].reduce(1, *)
    let last = window.kernel.count - 1
    let width = output[output.count - 1]
    let (stride, size) = (window.strides[last], self.x[self.x.count - 1])
    for input in 0..<perGroup {
      let source = x + (sample * self.x[1] + firstInput + input) * inputPlane
      for tap in 0..<taps {
        let w = Int32(weight[(channel * perGroup + input) * taps + tap])
        if w == 0 { continue }
        let (outerTap, offset) = tap.quotientAndRemainder(dividingBy: window.kernel[last])
        let from = offset * window.dilations[last] - padBegin[last]
        // Positions whose element lies inside the row.
        let first = from >= 0 ? 0 : (-from + stride - 1) / stride
        let end = from >= size ? 0 : min(width, (size - 1 - from) / stride + 1)
        guard first < end else { continue }
        for row in 0..<planeCount / width {
          guard let start = rowStart(row, outerTap) else { continue }
          let target = sums + row * width
          let values = source + (start + from)
          if stride == 1 {
            for position in first..<end {
              target[position] = target[position] &+ w &* Int32(values[position])
            }
          } else {
            for position in first..<end {
              target[position] = target[position] &+ w &* Int32(values[position * stride])
            }
          }
        }
      }
    }
  }

  /// Where the input's row stands that an output row reads, `nil` where it lies in the padding.
  ///
  /// - Parameters:
  ///   - row, tap: indices over all axes but the last, of the output and of the kernel.
  private func rowStart(_ row: Int, _ tap: Int) -> Int? {
    var (row, tap, start, stride) = (row, tap, 0, x[x.count - 1])
    for axis in (0..<window.kernel.count - 1).reversed() {
      let (nextRow, position) = row.quotientAndRemainder(dividingBy: output[axis + 2])
      let (nextTap, offset) = tap.quotientAndRemainder(dividingBy: window.kernel[axis])
      let place =
        position * window.strides[axis] + offset * window.dilations[axis] - padBegin[axis]
      guard place >= 0, place < x[axis + 2] else { return nil }
      start += place * stride
      (row, tap, stride) = (nextRow, nextTap, stride * x[axis + 2])
    }
    return start
  }
}
