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
    nonisolated(unsafe) let (x, weight, sums) = (x, weight, sums)
    Parallelism.forEachRange(count: planes) {
      for plane in $0 { self.plane(plane, x, weight, sums + plane * planeCount) }
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
    for input in 0..<perGroup {
      let source = x + (sample * self.x[1] + firstInput + input) * inputPlane
      for tap in 0..<taps {
        let w = Int32(weight[(channel * perGroup + input) * taps + tap])
        if w == 0 { continue }
        let offsets = coordinates(tap, in: window.kernel[...])
        for row in 0..<(width == 0 ? 0 : planeCount / width) {
          guard let start = rowStart(row, offsets) else { continue }
          let from = offsets[last] * window.dilations[last] - padBegin[last]
          let stride = window.strides[last]
          let size = self.x[self.x.count - 1]
          // Positions whose element lies inside the row.
          let first = from >= 0 ? 0 : (-from + stride - 1) / stride
          let end = from >= size ? 0 : min(width, (size - 1 - from) / stride + 1)
          guard first < end else { continue }
          let target = sums + row * width
          for position in first..<end {
            let value = Int32(source[start + from + position * stride])
            target[position] = target[position] &+ w &* value
          }
        }
      }
    }
  }

  /// Where the input's row stands that an output row reads at a tap, `nil` where it lies in the padding.
  private func rowStart(_ row: Int, _ offsets: [Int]) -> Int? {
    let outer = output[2...].dropLast()
    let position = coordinates(row, in: outer)
    var start = 0
    for axis in position.indices {
      let place =
        position[axis] * window.strides[axis] + offsets[axis] * window.dilations[axis]
        - padBegin[axis]
      guard place >= 0, place < x[axis + 2] else { return nil }
      start = start * x[axis + 2] + place
    }
    return start * x[x.count - 1]
  }

  private func coordinates(_ index: Int, in shape: ArraySlice<Int>) -> [Int] {
    var rest = index
    var result = Array(shape)
    for axis in result.indices.reversed() {
      (rest, result[axis]) = rest.quotientAndRemainder(dividingBy: result[axis])
    }
    return result
  }
}
