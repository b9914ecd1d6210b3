import Execution
import GraphIR
import Operators
import TensorCore

/// Which inputs each dot product of a layer reads, and where its result goes.
///
/// A layer computes `samples x groups x channels x positions` sums of `inputs x taps` products each. A tap is an
/// offset within the spatial axes; a matrix product has one tap, and its rows are samples.
struct ProductGeometry: Sendable {
  let samples: Int
  let groups: Int
  /// Output channels of one group.
  let channels: Int
  /// Input channels of one group.
  let inputs: Int
  /// Spatial positions of the output, all axes together.
  let positions: Int
  /// Elements between two input channels.
  let inputSize: Int
  /// Elements of the kernel.
  let taps: Int
  /// Whether the weight is the left operand of a matrix product, whose columns are positions then.
  let isWeightLeft: Bool
  /// For each spatial axis, tap and output position: the input position, -1 in padding.
  private let axes: [Axis]

  private struct Axis: Sendable {
    let kernel: Int
    let output: Int
    let input: Int
    /// kernel x output.
    let sources: [Int32]

    /// - Parameter source: the input position of a tap and an output position, outside the input in padding.
    init(kernel: Int, output: Int, input: Int, source: (Int, Int) -> Int) {
      self.kernel = kernel
      self.output = output
      self.input = input
      var sources: [Int32] = []
      sources.reserveCapacity(kernel * output)
      for tap in 0..<kernel {
        for place in 0..<output {
          let found = source(tap, place)
          sources.append((0..<input).contains(found) ? Int32(found) : -1)
        }
      }
      self.sources = sources
    }
  }

  var dotLength: Int { inputs * taps }
  /// Dot products of one output channel.
  var columns: Int { samples * positions }

  /// - Parameters:
  ///   - output: the shape of the node's output.
  ///   - total: output channels of all groups.
  /// - Throws: ``KernelError`` where the operands don't fit, or the weight is no single matrix.
  init(
    _ product: NarrowAccumulation.Product, left: KernelInput, right: KernelInput, output: [Int],
    channels total: Int
  ) throws(KernelError) {
    let (x, w) = (left.shape, right.shape)
    var axes: [Axis] = []
    var isWeightLeft = false
    switch product {
    case .conv(let op):
      groups = op.group
      (samples, inputs) = (x[0], w[1])
      let window = try KernelError.operation(try op.window.resolved(kernel: Array(w[2...])))
      for axis in window.kernel.indices {
        let begin = window.padding(axis, size: x[axis + 2]).begin
        axes.append(
          Axis(kernel: w[axis + 2], output: output[axis + 2], input: x[axis + 2]) { tap, place in
            place * window.strides[axis] + tap * window.dilations[axis] - begin
          })
      }
    case .convTranspose(let op):
      groups = op.group
      (samples, inputs) = (x[0], w[0] / op.group)
      let window = try KernelError.operation(try op.window.resolved(kernel: Array(w[2...])))
      for axis in window.kernel.indices {
        let begin = try KernelError.operation(
          try op.geometry(kernel: window.kernel, axis, size: x[axis + 2]).begin)
        let stride = window.strides[axis]
        axes.append(
          Axis(kernel: w[axis + 2], output: output[axis + 2], input: x[axis + 2]) { tap, place in
            let reach = place + begin - tap * window.dilations[axis]
            return reach % stride == 0 ? reach / stride : -1
          })
      }
    case .gemm, .matMul:
      groups = 1
      isWeightLeft = left.constant != nil && right.constant == nil
      guard isWeightLeft else {
        guard (1...2).contains(w.count), !x.isEmpty else { throw Self.noMatrix }
        (samples, inputs) = (x.dropLast().reduce(1, *), x[x.count - 1])
        break
      }
      guard case .matMul = product, (1...2).contains(x.count), !w.isEmpty else {
        throw Self.noMatrix
      }
      // A vector on the right is one column.
      let size = w.count == 1 ? 1 : w[w.count - 1]
      (samples, inputs) = (w.dropLast(2).reduce(1, *), w[max(w.count - 2, 0)])
      axes = [Axis(kernel: 1, output: size, input: size) { _, place in place }]
    }
    self.isWeightLeft = isWeightLeft
    self.axes = axes
    channels = total / groups
    positions = axes.reduce(1) { $0 * $1.output }
    inputSize = axes.reduce(1) { $0 * $1.input }
    taps = axes.reduce(1) { $0 * $1.kernel }
  }

  private static var noMatrix: KernelError {
    .operator(.unsupported(what: "narrow accumulators for a weight that is no single matrix"))
  }

  /// The input element of a column's first input channel that a tap reads, -1 in padding.
  ///
  /// - Parameter column: `sample * positions + position`.
  func source(column: Int, tap: Int) -> Int {
    var (place, tap) = (column % positions, tap)
    var offset = 0
    var stride = 1
    for axis in axes.reversed() {
      let source = Int(axis.sources[tap % axis.kernel * axis.output + place % axis.output])
      if source < 0 { return -1 }
      offset += source * stride
      stride *= axis.input
      tap /= axis.kernel
      place /= axis.output
    }
    return column / positions * (groups * inputs * inputSize) + offset
  }

  /// Where a column's result for an output channel goes.
  func destination(column: Int, channel: Int) -> Int {
    column / positions * (groups * channels * positions) + channel * positions + column % positions
  }
}
