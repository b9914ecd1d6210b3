import AccumulatorBounds
import GraphIR
import Operators
import TensorCore

/// A QONNX quantizer with constant parameters that linear quantization can express.
struct QuantizerParameters {
  let input: ValueID
  let output: ValueID
  let bits: Int
  let isSigned: Bool
  /// The integers that it gives, zero point included.
  let limits: ClosedRange<Int>
  /// One, or one for each index of `axis`.
  let scales: [Float]
  let zeroPoints: [Int]
  /// The axis that scales and zero points follow, `nil` where there is one of each.
  let axis: Int?

  /// - Parameter isAddend: whether it is a constant that is added to sums, for which 32-bit integers are at hand.
  /// - Throws: ``PassError/node(name:type:_:)`` for parameters that are computed, for more than 8 bits, for one
  ///   signed bit, and for a rounding other than to nearest even, which linear quantization has not.
  init(_ node: Node, _ quant: Quant, in graph: Graph, isAddend: Bool = false) throws(PassError) {
    func fail(_ what: String) -> PassError {
      .node(name: node.name, type: node.op.type, .unsupported(what: what))
    }
    func constant(_ position: Int, _ name: String) throws(PassError) -> Tensor {
      guard let tensor = node.inputs[position].flatMap({ graph[$0].constant })?.convertedToFloat()
      else { throw .node(name: node.name, type: node.op.type, .needsConstant(input: name)) }
      return tensor
    }
    guard case let input?? = node.inputs.first, case let output?? = node.outputs.first else {
      throw fail("a quantizer without input or output")
    }
    self.input = input
    self.output = output
    guard quant.rounding == .round || quant.rounding == .halfEven else {
      throw fail("rounding_mode \(quant.rounding.rawValue) in this format")
    }
    let width = try constant(3, "bitwidth").elements(of: Float.self)
    let widest: Float = isAddend ? 32 : 8
    guard width.count == 1, (1...widest).contains(width[0]), width[0] == width[0].rounded() else {
      throw fail("a bit width other than 1 to \(Int(widest)) in this format")
    }
    bits = Int(width[0])
    isSigned = quant.isSigned
    guard bits > 1 || !isSigned else { throw fail("a bipolar quantizer in this format") }
    limits = quant.limits(bits: bits)
    let rank = graph[input].type?.dimensions?.count ?? graph[input].constant?.rank
    let scale = try constant(1, "scale")
    let zero = try constant(2, "zeropt")
    let axes = [scale, zero].map { Self.varyingAxes($0, rank: rank) }
    guard axes.allSatisfy({ $0.count <= 1 }),
      axes[0].isEmpty || axes[1].isEmpty || axes[0] == axes[1]
    else { throw fail("a scale that varies along several axes in this format") }
    axis = axes[0].first ?? axes[1].first
    let all = zero.elements(of: Float.self)
    guard all.allSatisfy({ $0 == $0.rounded() && abs($0) < 0x1p20 }) else {
      throw fail("a zero point that is no integer in this format")
    }
    let count = max(axes[0].isEmpty ? 1 : scale.count, axes[1].isEmpty ? 1 : zero.count)
    let steps = scale.elements(of: Float.self)
    guard steps.allSatisfy({ $0 > 0 && $0.isFinite }) else {
      throw fail("a scale that is not positive")
    }
    scales = steps.count == count ? steps : [Float](repeating: steps[0], count: count)
    zeroPoints = (all.count == count ? all : [Float](repeating: all[0], count: count)).map {
      Int($0)
    }
    let range = (isSigned ? IntegerType.int8 : .uint8).limits
    guard zeroPoints.allSatisfy(range.contains) else {
      throw fail("a zero point outside \(range.lowerBound) to \(range.upperBound)")
    }
    if isAddend, !isSigned || zeroPoints.contains(where: { $0 != 0 }) {
      throw fail("an unsigned bias, or one with a zero point, in this format")
    }
  }

  /// The axes along which a parameter has more than one entry, from the front where the rank is known.
  private static func varyingAxes(_ parameter: Tensor, rank: Int?) -> [Int] {
    parameter.shape.indices.filter { parameter.shape[$0] > 1 }.map { axis in
      let fromEnd = axis - parameter.rank
      return rank.map { $0 + fromEnd } ?? fromEnd
    }
  }

  /// The codes of a constant: `clip(round(x / scale + zeroPoint))`, ties to even.
  func codes(of constant: Tensor) -> [Int]? {
    guard let values = constant.convertedToFloat(), axis.map({ $0 >= 0 }) ?? true else {
      return nil
    }
    let inner = axis.map { values.shape[($0 + 1)...].reduce(1, *) } ?? 1
    return values.withElements(of: Float.self) { elements in
      elements.indices.map { index in
        let entry = index / inner % scales.count
        let code = (elements[index] / scales[entry] + Float(zeroPoints[entry]))
          .rounded(.toNearestOrEven)
        // In this order NaN becomes the least code.
        let clipped = Int(min(max(Float(limits.lowerBound), code), Float(limits.upperBound)))
        // Single precision has no 2^31 - 1.
        return min(clipped, limits.upperBound)
      }
    }
  }
}
