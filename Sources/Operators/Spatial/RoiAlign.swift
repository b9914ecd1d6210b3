import Execution
import GraphIR
import TensorCore

/// The mean, or the greatest, of samples at regular positions in each cell of boxes of an image (ONNX RoiAlign, opset
/// 10, 16, 22), by bilinear interpolation.
///
/// Inputs: X `[N, C, H, W]`, boxes `[n, 4]` as x and y of two opposite corners, and the sample that each lies in. Output
/// `[n, C, output_height, output_width]`. With `half_pixel`, the default since opset 16, coordinates are those of pixels'
/// edges; before, and with `output_half_pixel`, those of their centres, and boxes have at least the size of a pixel.
package struct RoiAlign: SerializableOperator, ExecutableOperator {
  package static let schema = OperatorSchema(
    "RoiAlign", since: 10, inputs: 3...3, inputTypes: [[.float32], [.float32], .index])

  package func cannotBeNegative(_ operands: OperandSigns) -> Bool { operands.first }

  package enum Mode: String, Sendable, Hashable, CaseIterable {
    case avg, max
  }

  package var mode: Mode
  package var height: Int
  package var width: Int
  /// Positions of a cell along each axis; 0 for as many as it has pixels.
  package var samples: Int
  /// What coordinates of boxes are multiplied with.
  package var scale: Float
  package var isHalfPixel: Bool
  /// Before opset 16, which has no attribute for ``isHalfPixel``.
  private var isOld: Bool

  private static let attribute = "coordinate_transformation_mode"

  package init(attributes: AttributeReader) throws(OperatorError) {
    isOld = attributes.opset < 16
    let name = try attributes.string("mode", default: Mode.avg.rawValue)
    guard let mode = Mode(rawValue: name) else {
      throw .attributeValue(name: "mode", value: name, allowed: "avg, max")
    }
    let system = isOld ? nil : try attributes.string(Self.attribute, default: "half_pixel")
    guard system == nil || ["half_pixel", "output_half_pixel"].contains(system) else {
      throw .attributeValue(
        name: Self.attribute, value: system ?? "", allowed: "half_pixel, output_half_pixel")
    }
    self.mode = mode
    isHalfPixel = system == "half_pixel"
    height = try attributes.int("output_height", default: 1)
    width = try attributes.int("output_width", default: 1)
    samples = try attributes.int("sampling_ratio", default: 0)
    scale = try attributes.float("spatial_scale", default: 1)
    for (name, size, least) in [
      ("output_height", height, 1), ("output_width", width, 1), ("sampling_ratio", samples, 0),
    ] where !(least...Int(Int32.max)).contains(size) {
      throw .attributeValue(name: name, value: "\(size)", allowed: "\(least) to \(Int32.max)")
    }
  }

  package func attributes() -> [Attribute] {
    var attributes = [
      Attribute("mode", .string(mode.rawValue)), Attribute("output_height", .int(Int64(height))),
      Attribute("output_width", .int(Int64(width))),
      Attribute("sampling_ratio", .int(Int64(samples))), Attribute("spatial_scale", .float(scale)),
    ]
    if !isOld {
      attributes.append(
        Attribute(Self.attribute, .string(isHalfPixel ? "half_pixel" : "output_half_pixel")))
    }
    return attributes
  }

  package func raise(_ node: NodeID, in graph: inout Graph, across opsets: OpsetRange) -> String? {
    guard isOld, opsets.crosses(16) else { return nil }
    var raised = self
    raised.isOld = false
    graph[node].op = raised
    return "coordinates of pixels' centres by name"
  }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    for (index, expected) in [4, 2, 1].enumerated() {
      guard let rank = inputs.dimensions(index)?.count, rank != expected else { continue }
      throw .rank(input: index, expected: "\(expected)", actual: rank)
    }
    if let size = inputs.dimensions(1)?[1].size, size != 4 {
      throw .mismatch(what: "numbers of a box", expected: "4", actual: "\(size)")
    }
    let boxes = inputs.dimensions(1)?[0] ?? inputs.dimensions(2)?[0] ?? .unknown
    if let count = boxes.size, let places = inputs.dimensions(2)?[0].size, places != count {
      throw .mismatch(what: "samples of boxes", expected: "\(count)", actual: "\(places)")
    }
    return [
      TensorType(
        .float32, [boxes, inputs.dimensions(0)?[1] ?? .unknown, .fixed(height), .fixed(width)])
    ]
  }

  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    let shape = try context.floatInput(0).shape
    let results = try context.output().shape
    let (images, channels) = (shape[0], shape[1])
    let plane = Plane(height: shape[2], width: shape[3])
    let places = try context.input(2).elementType
    let cells = height * width
    return ClosureKernel(context) { (operands) throws(KernelError) in
      nonisolated(unsafe) let x = operands.input(0, as: Float.self)
      nonisolated(unsafe) let y = operands.output(as: Float.self)
      let boxes = operands.input(1, as: Float.self)
      for index in 0..<results[0] {
        let image =
          places == .int32
          ? Int(operands.input(2, as: Int32.self)[index])
          : Int(operands.input(2, as: Int64.self)[index])
        guard (0..<images).contains(image) else {
          throw .operator(
            .outOfRange(what: "sample of a box", value: image, allowed: "0..<\(images)"))
        }
        let box = try Box((0..<4).map { boxes[4 * index + $0] }, self)
        Parallelism.forEachRange(count: cells) { range in
          for cell in range {
            let taps = box.taps(cell, plane)
            for channel in 0..<channels {
              let source = x + (image * channels + channel) * plane.height * plane.width
              y[(index * channels + channel) * cells + cell] = value(taps, source)
            }
          }
        }
      }
    }
  }

  private struct Plane: Sendable {
    var height: Int
    var width: Int

    /// `nil` outside.
    func tap(x: Float, y: Float) -> Tap? {
      guard x >= -1, y >= -1, x <= Float(width), y <= Float(height), width > 0, height > 0 else {
        return nil
      }
      func split(_ position: Float, _ size: Int) -> (low: Int, high: Int, part: Float) {
        let position = Swift.max(position, 0)
        let low = Int(position)
        return low >= size - 1 ? (size - 1, size - 1, 0) : (low, low + 1, position - Float(low))
      }
      let (h, v) = (split(x, width), split(y, height))
      func pixel(_ row: Int, _ column: Int) -> Int { row * width + column }
      return Tap(
        pixels: SIMD4(
          pixel(v.low, h.low), pixel(v.low, h.high), pixel(v.high, h.low), pixel(v.high, h.high)),
        weights: SIMD4(
          (1 - v.part) * (1 - h.part), (1 - v.part) * h.part, v.part * (1 - h.part),
          v.part * h.part))
    }
  }

  /// One position, by the four pixels around it and their weights.
  private struct Tap: Sendable {
    var pixels: SIMD4<Int>
    var weights: SIMD4<Float>
  }

  /// - Parameter taps: `nil` for those outside the image, which count as 0.
  private func value(_ taps: [Tap?], _ source: UnsafePointer<Float>) -> Float {
    var (sum, greatest): (Float, Float?) = (0, nil)
    for tap in taps {
      var parts = SIMD4<Float>.zero
      if let tap {
        for corner in 0..<4 {
          parts[corner] = tap.weights[corner] * source[Int(tap.pixels[corner])]
        }
      }
      sum += parts[0] + parts[1] + parts[2] + parts[3]
      // The greatest of the weighed pixels, as onnxruntime and the standard's reference have it.
      greatest = Swift.max(greatest ?? -.infinity, parts.max())
    }
    return mode == .max ? greatest ?? 0 : taps.isEmpty ? 0 : sum / Float(taps.count)
  }

  /// A box in coordinates of pixels, cut into cells.
  private struct Box: Sendable {
    private let corner: SIMD2<Float>
    /// Sizes of a cell.
    private let cell: SIMD2<Float>
    /// Positions of a cell, and cells of a row.
    private let columns: Int
    private let rows: Int
    private let width: Int

    /// Positions of a cell that its size may ask for.
    private static let mostSamples = 1 << 16

    /// - Throws: ``OperatorError/outOfRange(what:value:allowed:)`` for a box that asks for more positions.
    init(_ box: [Float], _ op: RoiAlign) throws(KernelError) {
      let offset: Float = op.isHalfPixel ? 0.5 : 0
      corner = SIMD2(box[0] * op.scale - offset, box[1] * op.scale - offset)
      var size = SIMD2(box[2] * op.scale - offset, box[3] * op.scale - offset) - corner
      if !op.isHalfPixel { size = pointwiseMax(size, SIMD2(1, 1)) }
      cell = SIMD2(size.x / Float(op.width), size.y / Float(op.height))
      width = op.width
      let most = Float(Self.mostSamples)
      func count(_ size: Float) -> Int {
        if op.samples > 0 { return op.samples }
        return size > 0 ? Int(Swift.min(size.rounded(.up), most)) : 0
      }
      (columns, rows) = (count(cell.x), count(cell.y))
      let (total, overflow) = columns.multipliedReportingOverflow(by: rows)
      guard !overflow, total <= Self.mostSamples else {
        throw .operator(
          .outOfRange(
            what: "positions of a box's cell", value: overflow ? Int.max : total,
            allowed: "at most \(Self.mostSamples)"))
      }
    }

    /// The positions of a cell; `nil` for one outside the image.
    func taps(_ index: Int, _ plane: Plane) -> [Tap?] {
      let (row, column) = index.quotientAndRemainder(dividingBy: width)
      return (0..<rows * columns).map { place in
        let (v, u) = place.quotientAndRemainder(dividingBy: columns)
        return plane.tap(
          x: corner.x + cell.x * (Float(column) + (Float(u) + 0.5) / Float(columns)),
          y: corner.y + cell.y * (Float(row) + (Float(v) + 0.5) / Float(rows)))
      }
    }
  }
}
