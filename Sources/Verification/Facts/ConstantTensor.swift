import TensorCore

/// A constant of the file together with the steps that turn its elements into integers.
///
/// Nothing is materialized: transposes and reshapes are strides over the file's data, and quantization is recomputed
/// where an element is read.
struct ConstantTensor: Sendable {
  private(set) var tensor: Tensor
  /// The name of the constant in the file.
  let name: String
  private(set) var shape: [Int]
  /// The distance in `tensor` between neighbours along each axis of `shape`, in elements.
  private(set) var strides: [Int]
  /// How a float element becomes a code; `nil` where the elements of `tensor` are the codes.
  private(set) var quantizer: ElementQuantizer?
  /// The zero point, which is subtracted from each code.
  private(set) var zeroPoint: Parameter<Int>?
  /// The real value of one integer step.
  private(set) var scale: Parameter<Float>?
  /// The data type of the codes; `nil` for real numbers.
  private(set) var codes: CodeRange?
  private(set) var isNarrow = false

  init(_ tensor: Tensor, name: String) {
    self.tensor = tensor
    self.name = name
    shape = tensor.shape
    strides = Shape.strides(tensor.shape)
    codes = CodeRange(of: tensor.elementType)
  }

  /// The tensor itself where no step changes its elements or their order.
  var plain: Tensor? {
    let packed = Shape.strides(shape)
    guard quantizer == nil, zeroPoint == nil, scale == nil,
      shape.indices.allSatisfy({ shape[$0] == 1 || strides[$0] == packed[$0] })
    else { return nil }
    return tensor.reshaped(shape)
  }

  /// The constant after a quantizer.
  func quantized(
    by quantizer: ElementQuantizer, to codes: CodeRange, narrow: Bool = false
  ) -> ConstantTensor {
    var result = self
    result.quantizer = quantizer
    result.codes = codes
    result.isNarrow = narrow
    return result
  }

  /// The constant with its quantizer's codes limited by a clip.
  func limited(to codes: CodeRange) -> ConstantTensor {
    var result = self
    result.codes = codes
    result.isNarrow = codes.signed && codes.minimum == -codes.maximum
    result.quantizer?.lower = codes.minimum
    result.quantizer?.upper = codes.maximum
    return result
  }

  /// A constant with other elements in the places of this one's, and the same axes.
  func replacing(_ tensor: Tensor, codes: CodeRange) -> ConstantTensor {
    var result = self
    result.tensor = tensor
    result.codes = codes
    result.isNarrow = codes.signed && codes.minimum == -codes.maximum
    return result
  }

  /// The constant after dequantization, whose integers are its codes less the zero point.
  func dequantized(scale: Parameter<Float>?, zeroPoint: Parameter<Int>?) -> ConstantTensor {
    var result = self
    result.scale = scale
    result.zeroPoint = zeroPoint
    return result
  }

  /// The constant with its axes in another order; `nil` where `permutation` is not a permutation of them.
  func transposed(_ permutation: [Int]) -> ConstantTensor? {
    guard permutation.sorted() == Array(shape.indices) else { return nil }
    var result = self
    result.shape = permutation.map { shape[$0] }
    result.rewriteStrides { strides in permutation.map { strides[$0] } }
    return result
  }

  /// The constant with its elements in another shape; `nil` where that needs a copy.
  func reshaped(_ target: [Int]) -> ConstantTensor? {
    guard Shape.elementCount(target) == tensor.count else { return nil }
    var result = self
    var fits = true
    result.rewriteStrides { strides in
      guard let new = Self.reshape(strides, from: shape, to: target) else {
        fits = false
        return strides
      }
      return new
    }
    result.shape = target
    return fits ? result : nil
  }

  private mutating func rewriteStrides(_ rewrite: ([Int]) -> [Int]) {
    strides = rewrite(strides)
    if let old = zeroPoint { zeroPoint?.strides = rewrite(old.strides) }
    if let old = scale { scale?.strides = rewrite(old.strides) }
    if let old = quantizer?.scale { quantizer?.scale.strides = rewrite(old.strides) }
    if let old = quantizer?.zeroPoint { quantizer?.zeroPoint?.strides = rewrite(old.strides) }
  }

  /// The strides of the same elements in another shape; `nil` where no strides can express it.
  ///
  /// Axes are matched in groups of equal size; a group of old axes must be one run of constant stride.
  private static func reshape(_ strides: [Int], from old: [Int], to new: [Int]) -> [Int]? {
    if new.contains(0) { return [Int](repeating: 0, count: new.count) }
    let axes = old.indices.filter { old[$0] != 1 }
    var result = [Int](repeating: 0, count: new.count)
    var nextOld = 0
    var nextNew = 0
    while nextOld < axes.count {
      let firstOld = nextOld
      let firstNew = nextNew
      var oldSize = old[axes[nextOld]]
      var newSize = 1
      nextOld += 1
      while newSize != oldSize {
        if newSize < oldSize {
          guard nextNew < new.count else { return nil }
          newSize *= new[nextNew]
          nextNew += 1
        } else {
          guard nextOld < axes.count else { return nil }
          oldSize *= old[axes[nextOld]]
          nextOld += 1
        }
      }
      for position in firstOld..<nextOld - 1 {
        let (axis, inner) = (axes[position], axes[position + 1])
        guard strides[axis] == strides[inner] * old[inner] else { return nil }
      }
      var stride = strides[axes[nextOld - 1]]
      for axis in (firstNew..<nextNew).reversed() {
        result[axis] = stride
        stride *= new[axis]
      }
    }
    return result
  }
}

/// A quantizer's parameter, whose strides give a value for each element of the quantized tensor.
struct Parameter<Element: Sendable & Hashable>: Sendable {
  var values: [Element]
  /// The distance in `values` between neighbours along each axis of the quantized tensor; 0 where the parameter does
  /// not vary.
  var strides: [Int]

  /// One value for all elements.
  init(_ value: Element, rank: Int) {
    values = [value]
    strides = [Int](repeating: 0, count: rank)
  }

  /// One value for each index of an axis.
  init(_ values: [Element], axis: Int, rank: Int) {
    self.values = values
    strides = [Int](repeating: 0, count: rank)
    strides[axis] = 1
  }

  /// Values of `shape` broadcast to `target`; `nil` where they would enlarge it.
  init?(_ values: [Element], shape: [Int], broadcastTo target: [Int]) {
    let extra = shape.count - target.count
    guard extra <= 0 || shape.prefix(extra).allSatisfy({ $0 == 1 }) else { return nil }
    let own = Shape.strides(shape)
    var strides = [Int](repeating: 0, count: target.count)
    for axis in target.indices where axis + extra >= 0 {
      let size = shape[axis + extra]
      if size == 1 { continue }
      guard size == target[axis] else { return nil }
      strides[axis] = own[axis + extra]
    }
    self.values = values
    self.strides = strides
  }
}

/// The rounding modes of QONNX `Quant`.
enum RoundingMode: String, Sendable {
  case halfEven = "ROUND"
  case ceiling = "CEIL"
  case floor = "FLOOR"
  case awayFromZero = "UP"
  case towardZero = "DOWN"
  case halfAway = "HALF_UP"
  case halfTowardZero = "HALF_DOWN"

  /// The mode of a `rounding_mode` attribute, which QONNX compares without regard to case.
  init?(attribute: String) {
    let name = attribute.uppercased()
    self.init(rawValue: name == "HALF_EVEN" ? "ROUND" : name)
  }

  func round(_ value: Float) -> Float {
    switch self {
    case .halfEven: value.rounded(.toNearestOrEven)
    case .ceiling: value.rounded(.up)
    case .floor: value.rounded(.down)
    case .awayFromZero: value.rounded(.awayFromZero)
    case .towardZero: value.rounded(.towardZero)
    // The addition is rounded to single precision, as in QONNX's own implementation.
    case .halfAway: signed(value, (value.magnitude + 0.5).rounded(.down))
    case .halfTowardZero: signed(value, (value.magnitude - 0.5).rounded(.up))
    }
  }

  private func signed(_ value: Float, _ magnitude: Float) -> Float {
    value < 0 ? -magnitude : magnitude
  }
}

/// How a quantizer turns one real number into its code, in single precision as the operators' definitions say.
struct ElementQuantizer: Sendable {
  enum Formula: Sendable {
    /// QONNX `Quant`: `round(clip(x / scale + zeroPoint))`.
    case quant(RoundingMode)
    /// ONNX `QuantizeLinear`: `clip(roundHalfEven(x / scale) + zeroPoint)`.
    case linear
    /// QONNX `BipolarQuant`, and `Quant` with one signed bit: the sign of `x / scale + zeroPoint`, zero counting as
    /// positive.
    case bipolar
  }

  var formula: Formula
  var scale: Parameter<Float>
  var zeroPoint: Parameter<Int>?
  var lower: Int
  var upper: Int
}

extension ElementQuantizer.Formula {
  /// The code of a finite number.
  func code(_ value: Float, scale: Float, zeroPoint: Int, lower: Int, upper: Int) -> Int {
    let quotient = value / scale
    switch self {
    case .quant(let mode):
      let clipped = min(max(quotient + Float(zeroPoint), Float(lower)), Float(upper))
      return Int(mode.round(clipped))
    case .linear:
      // Bounded beyond the limits for any zero point, so that the conversion can't trap.
      let bounded = min(max(quotient.rounded(.toNearestOrEven), -0x1p33), 0x1p33)
      return min(max(Int(bounded) + zeroPoint, lower), upper)
    case .bipolar:
      return quotient + Float(zeroPoint) >= 0 ? 1 : -1
    }
  }
}

extension CodeRange {
  /// The range of an integer element type of at most 32 bits.
  init?(of type: ElementType) {
    switch type {
    case .int4: self.init(bits: 4, signed: true)
    case .uint4: self.init(bits: 4, signed: false)
    case .int8: self.init(bits: 8, signed: true)
    case .uint8: self.init(bits: 8, signed: false)
    case .int16: self.init(bits: 16, signed: true)
    case .uint16: self.init(bits: 16, signed: false)
    case .int32: self.init(bits: 32, signed: true)
    case .uint32: self.init(bits: 32, signed: false)
    default: return nil
    }
  }
}
