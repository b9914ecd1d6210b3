import GraphIR
import Operators

/// The inputs of single dot products, read out of a layer's activations in the order of ``WeightLayout``: for a
/// convolution the patch under the kernel (im2col), for a matrix product a row or a column.
///
/// A position of a batch is a sample and a place of the output; at each there is one dot product for each
/// channel, and channels of one group read the same K inputs. So a position has groups x K inputs.
struct InputPatches {
  /// Groups of channels with inputs of their own.
  let groups: Int
  /// K.
  let length: Int
  private let source: Source

  private enum Source {
    /// A kernel of that shape over N x C x spatial dimensions.
    case window(kernel: [Int], taps: Taps)
    /// ... x M x K, or ... x K x M where the inputs of a dot product stand below each other; and the weight's
    /// batch dimensions.
    case matrix(isColumn: Bool, batch: [Int])
  }

  /// Where along an axis a tap of the kernel reads for an output position.
  fileprivate enum Taps {
    case convolution(ResolvedWindow)
    case transposed(ConvTranspose, ResolvedWindow)
  }

  /// - Returns: `nil` for a layer whose attributes contradict its weight; running it says so.
  init?(_ layer: DotProductLayer, in graph: Graph) {
    let node = graph[layer.node]
    guard let weight = node.inputs[layer.weightPosition].flatMap({ graph[$0].constant }) else {
      return nil
    }
    length = layer.layout.dotLength
    switch node.op {
    case let convolution as Conv:
      let kernel = Array(weight.shape[2...])
      guard let window = try? convolution.window.resolved(kernel: kernel),
        weight.shape[0] % convolution.group == 0
      else { return nil }
      groups = convolution.group
      source = .window(kernel: kernel, taps: .convolution(window))
    case let convolution as ConvTranspose:
      let kernel = Array(weight.shape[2...])
      guard let window = try? convolution.window.resolved(kernel: kernel) else { return nil }
      groups = convolution.group
      source = .window(kernel: kernel, taps: .transposed(convolution, window))
    default:
      guard let form = node.op.dotProduct, layer.kind == .matrix else { return nil }
      groups = layer.layout.batch
      source = .matrix(
        isColumn: layer.dataPosition == 0 ? form.transposesLeft : !form.transposesRight,
        batch: Array(weight.shape.dropLast(2)))
    }
  }

  /// Copies the inputs of about `limit` positions, spread evenly over the batch, the same ones for the same
  /// shape: positions x groups x K.
  ///
  /// - Returns: the number of positions; 0 for activations that don't fit the layer.
  func copy(
    _ elements: UnsafeBufferPointer<Float>, shape: [Int], limit: Int, into rows: inout [Float]
  ) -> Int {
    let reader: (Int, UnsafeMutablePointer<Float>) -> Void
    let count: Int
    switch source {
    case .window(let kernel, let taps):
      guard let window = WindowReader(elements, shape, kernel, taps, width: groups * length) else {
        return 0
      }
      (count, reader) = (window.count, window.read)
    case .matrix(let isColumn, let batch):
      guard let matrix = MatrixReader(elements, shape, isColumn, batch, groups, length) else {
        return 0
      }
      (count, reader) = (matrix.count, matrix.read)
    }
    let positions = Self.spread(count, limit: limit)
    let width = groups * length
    rows = [Float](unsafeUninitializedCapacity: positions.count * width) { buffer, initialized in
      initialized = positions.count * width
      buffer.initialize(repeating: 0)
      guard let base = buffer.baseAddress else { return }
      for (row, position) in positions.enumerated() { reader(position, base + row * width) }
    }
    return positions.count
  }

  /// At most `limit` of `count` positions: multiples of a step near the golden section, which spreads them over
  /// rows and columns alike, modulo the count.
  static func spread(_ count: Int, limit: Int) -> [Int] {
    guard count > limit else { return Array(0..<count) }
    var step = max(1, Int(Double(count) * 0.618_033_988_749_895))
    while Self.divisor(step, count) != 1 { step += 1 }
    return (0..<limit).map { $0.multipliedFullWidth(by: step) }.map { product in
      count.dividingFullWidth(product).remainder
    }.sorted()
  }

  private static func divisor(_ a: Int, _ b: Int) -> Int { b == 0 ? a : divisor(b, a % b) }
}

extension InputPatches {
  /// Reads patches under a kernel; a row is C x kernel, which is groups x K since a group's channels stand
  /// together.
  private struct WindowReader {
    let count: Int
    private let elements: UnsafeBufferPointer<Float>
    private let channels: Int
    /// Elements of one channel of one sample.
    private let area: Int
    private let outputs: [Int]
    /// For each axis, output position and tap in turn: the input position, or -1 in the padding.
    private let places: [[Int]]
    private let kernel: [Int]
    private let sizes: [Int]

    init?(
      _ elements: UnsafeBufferPointer<Float>, _ shape: [Int], _ kernel: [Int], _ taps: Taps,
      width: Int
    ) {
      guard shape.count == kernel.count + 2, shape[1] * kernel.reduce(1, *) == width else {
        return nil
      }
      var outputs: [Int] = []
      var places: [[Int]] = []
      for axis in kernel.indices {
        guard let output = taps.outputCount(kernel, axis, size: shape[axis + 2]) else { return nil }
        outputs.append(output)
        places.append(
          (0..<output).flatMap { position in
            (0..<kernel[axis]).map {
              taps.place(kernel, axis, position: position, tap: $0, size: shape[axis + 2])
            }
          })
      }
      self.elements = elements
      self.kernel = kernel
      self.outputs = outputs
      self.places = places
      channels = shape[1]
      sizes = Array(shape[2...])
      area = sizes.reduce(1, *)
      count = shape[0] * outputs.reduce(1, *)
    }

    func read(_ position: Int, into row: UnsafeMutablePointer<Float>) {
      var rest = position
      var offsets = [0]
      // Innermost axis first; each widens the list of taps.
      var stride = 1
      for axis in kernel.indices.reversed() {
        let (output, size) = (rest % outputs[axis], kernel[axis])
        rest /= outputs[axis]
        var widened: [Int] = []
        widened.reserveCapacity(offsets.count * size)
        for place in places[axis][output * size..<(output + 1) * size] {
          for offset in offsets {
            widened.append(place < 0 || offset < 0 ? -1 : place * stride + offset)
          }
        }
        offsets = widened
        stride *= sizes[axis]
      }
      let taps = offsets.count
      for channel in 0..<channels {
        let start = (rest * channels + channel) * area
        for tap in 0..<taps where offsets[tap] >= 0 {
          row[channel * taps + tap] = elements[start + offsets[tap]]
        }
      }
    }
  }

  /// Reads rows or columns of matrices; batch dimensions broadcast as in MatMul.
  private struct MatrixReader {
    let count: Int
    private let elements: UnsafeBufferPointer<Float>
    private let length: Int
    private let groups: Int
    /// Dot products of one matrix.
    private let products: Int
    /// Elements from one input of a dot product to the next, and from one dot product to the next.
    private let step: Int
    private let productStep: Int
    private let axes: [Axis]

    /// One batch dimension of the product.
    private struct Axis {
      /// Positions along it: the data's size where the weight has none of its own.
      var positions: Int
      /// Groups along it: the weight's size.
      var groups: Int
      /// Elements of the data from one index to the next; 0 where the data broadcasts.
      var stride: Int
    }

    init?(
      _ elements: UnsafeBufferPointer<Float>, _ shape: [Int], _ isColumn: Bool, _ batch: [Int],
      _ groups: Int, _ length: Int
    ) {
      let shape = shape.count == 1 ? (isColumn ? shape + [1] : [1] + shape) : shape
      guard shape.count >= 2 else { return nil }
      let (rows, columns) = (shape[shape.count - 2], shape[shape.count - 1])
      guard (isColumn ? rows : columns) == length else { return nil }
      let data = Array(shape.dropLast(2))
      let rank = max(data.count, batch.count)
      let sizes = [Int](repeating: 1, count: rank - data.count) + data
      let weights = [Int](repeating: 1, count: rank - batch.count) + batch
      var axes: [Axis] = []
      var stride = rows * columns
      for (size, weight) in zip(sizes, weights).reversed() {
        guard size == weight || size == 1 || weight == 1 else { return nil }
        axes.insert(
          Axis(positions: weight == 1 ? size : 1, groups: weight, stride: size == 1 ? 0 : stride),
          at: 0)
        stride *= size
      }
      self.elements = elements
      self.length = length
      self.groups = groups
      self.axes = axes
      products = isColumn ? columns : rows
      step = isColumn ? columns : 1
      productStep = isColumn ? 1 : columns
      count = axes.reduce(products) { $0 * $1.positions }
    }

    func read(_ position: Int, into row: UnsafeMutablePointer<Float>) {
      for group in 0..<groups {
        var (place, which) = (position / products, group)
        var start = position % products * productStep
        for axis in axes.reversed() {
          let index = axis.groups > 1 ? which % axis.groups : place % axis.positions
          if axis.groups > 1 { which /= axis.groups } else { place /= axis.positions }
          start += index * axis.stride
        }
        for index in 0..<length { row[group * length + index] = elements[start + index * step] }
      }
    }
  }
}

extension InputPatches.Taps {
  fileprivate func outputCount(_ kernel: [Int], _ axis: Int, size: Int) -> Int? {
    switch self {
    case .convolution(let window):
      (try? window.outputDimension(axis, of: .fixed(size)))?.size
    case .transposed(let op, _): (try? op.geometry(kernel: kernel, axis, size: size))?.output
    }
  }

  /// The input position that a tap multiplies for an output position, or -1 for none.
  fileprivate func place(_ kernel: [Int], _ axis: Int, position: Int, tap: Int, size: Int) -> Int {
    switch self {
    case .convolution(let window):
      let place =
        position * window.strides[axis] + tap * window.dilations[axis]
        - window.padding(axis, size: size).begin
      return (0..<size).contains(place) ? place : -1
    case .transposed(let op, let window):
      guard let begin = (try? op.geometry(kernel: kernel, axis, size: size))?.begin else {
        return -1
      }
      let (place, rest) = (position + begin - tap * window.dilations[axis])
        .quotientAndRemainder(dividingBy: window.strides[axis])
      return rest == 0 && (0..<size).contains(place) ? place : -1
    }
  }
}
