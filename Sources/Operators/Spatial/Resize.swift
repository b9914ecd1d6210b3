import Execution
import GraphIR
import TensorCore

/// Resizes a tensor by interpolation along each axis (ONNX Resize, opset 10, 11, 13, 18, 19).
///
/// Inputs: X, since opset 11 the region of tf_crop_and_resize, scales, and since opset 11 sizes, of which one
/// of the last two is given. Along an axis the output has `floor(size * scale)` positions. Opset 18 adds
/// `antialias`, `axes` and `keep_aspect_ratio_policy`. Results other than of `nearest` are computed in single
/// precision.
package struct Resize: SerializableOperator, ExecutableOperator {
  package static let schema = OperatorSchema(
    "Resize", since: 10, inputs: 1...4,
    inputTypes: [.any, .float + .index, .float + .index, .index])

  /// Cubic interpolation overshoots.
  package func cannotBeNegative(_ operands: OperandSigns) -> Bool {
    operands.first && resampling.mode != .cubic && extrapolation >= 0
  }

  package var movement: ElementMovement? { selectsElements ? ElementMovement(.selected) : nil }

  /// What becomes of sizes that would change the aspect ratio.
  package enum AspectRatio: String, Sendable, Hashable, CaseIterable {
    case stretch
    case notLarger = "not_larger"
    case notSmaller = "not_smaller"
  }

  var resampling: Resampling
  var extrapolation: Float
  /// `nil` for all.
  package var axes: [Int]?
  package var aspectRatio: AspectRatio
  /// Opset 10, whose only other input is the scales.
  let isOld: Bool

  init(_ resampling: Resampling) { self.init(resampling, isOld: false) }

  private init(_ resampling: Resampling, isOld: Bool) {
    self.resampling = resampling
    extrapolation = 0
    aspectRatio = .stretch
    self.isOld = isOld
  }

  /// The operator of opset 10.
  static func ofOpset10(_ mode: Resampling.Mode) -> Resize {
    var resampling = Resampling()
    resampling.mode = mode
    resampling.coordinates = .asymmetric
    resampling.rounding = .simple
    return Resize(resampling, isOld: true)
  }

  package init(attributes: AttributeReader) throws(OperatorError) {
    isOld = attributes.opset < 11
    resampling = Resampling()
    resampling.mode = try Self.choice(attributes, "mode", .nearest)
    extrapolation = try attributes.float("extrapolation_value", default: 0)
    axes = attributes.opset < 18 ? nil : try attributes.ints("axes")
    aspectRatio = try Self.choice(attributes, "keep_aspect_ratio_policy", .stretch)
    guard !isOld else {
      resampling.coordinates = .asymmetric
      resampling.rounding = .simple
      return
    }
    resampling.coordinates = try Self.choice(
      attributes, "coordinate_transformation_mode", .halfPixel)
    resampling.rounding = try Self.choice(attributes, "nearest_mode", .roundPreferFloor)
    resampling.cubicCoefficient = try attributes.float("cubic_coeff_a", default: -0.75)
    resampling.excludesOutside = try attributes.bool("exclude_outside", default: false)
    resampling.antialiases = try attributes.bool("antialias", default: false)
    guard resampling.cubicCoefficient.isFinite else {
      throw .attributeValue(
        name: "cubic_coeff_a", value: "\(resampling.cubicCoefficient)", allowed: "finite numbers")
    }
  }

  /// Whether every element of the output is one of the input.
  package var selectsElements: Bool {
    resampling.mode == .nearest && resampling.coordinates != .tfCropAndResize
  }

  private static func choice<T: RawRepresentable<String> & CaseIterable>(
    _ attributes: AttributeReader, _ name: String, _ fallback: T
  ) throws(OperatorError) -> T {
    let text = try attributes.string(name, default: fallback.rawValue)
    guard let choice = T(rawValue: text) else {
      throw .attributeValue(
        name: name, value: text, allowed: T.allCases.map(\.rawValue).joined(separator: ", "))
    }
    return choice
  }

  package func attributes() -> [Attribute] {
    var result = [Attribute("mode", .string(resampling.mode.rawValue))]
    guard !isOld else { return result }
    result += [
      Attribute(
        "coordinate_transformation_mode", .string(resampling.coordinates.rawValue)),
      Attribute("nearest_mode", .string(resampling.rounding.rawValue)),
      Attribute("cubic_coeff_a", .float(resampling.cubicCoefficient)),
      Attribute("exclude_outside", .int(resampling.excludesOutside ? 1 : 0)),
      Attribute("extrapolation_value", .float(extrapolation)),
    ]
    if resampling.antialiases { result.append(Attribute("antialias", .int(1))) }
    if let axes { result.append(Attribute("axes", .ints(axes.map(Int64.init)))) }
    if aspectRatio != .stretch {
      result.append(Attribute("keep_aspect_ratio_policy", .string(aspectRatio.rawValue)))
    }
    return result
  }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    guard let type = inputs.type(0) else { return [nil] }
    guard let dimensions = type.dimensions else { return [TensorType(type.elementType, nil)] }
    guard let factors = try factors(inputs, rank: dimensions.count) else {
      // Where sizes are known in part, those say what they can.
      if axes == nil, aspectRatio == .stretch, !isOld, isGiven(inputs, 3),
        let sizes = inputs.elements(3), sizes.count == dimensions.count
      {
        return [TensorType(type.elementType, sizes.map(\.asDimension))]
      }
      return [TensorType(type.elementType, Dimensions.unknown(rank: dimensions.count))]
    }
    var result: [Dimension] = []
    for (axis, dimension) in dimensions.enumerated() {
      switch factors {
      case .scales(let scales) where scales[axis] == 1: result.append(dimension)
      case .sizes(let sizes) where sizes[axis] == nil: result.append(dimension)
      case .sizes(let sizes) where aspectRatio == .stretch:
        result.append(sizes[axis].map { .fixed($0) } ?? dimension)
      default: result.append(.unknown)
      }
    }
    if let shape = type.shape {
      result = try resolved(factors, shape, region: [:]).map { .fixed($0.output) }
    }
    return [TensorType(type.elementType, result)]
  }

  /// What says how large the output is, for each axis.
  private enum Factors {
    case scales([Float])
    /// `nil` for an axis that keeps its size.
    case sizes([Int?])
  }

  /// `nil` where they aren't constant.
  private func factors(_ inputs: [InputInfo?], rank: Int) throws(OperatorError) -> Factors? {
    let named = try axes.map { (axes) throws(OperatorError) in
      var result: [Int] = []
      for axis in axes { result.append(try Axes.normalized(axis, rank: rank)) }
      return result
    }
    let resized = named ?? Array(0..<rank)
    let (scalesAt, sizesAt) = isOld ? (1, 4) : (2, 3)
    if isGiven(inputs, sizesAt) {
      guard let sizes = try inputs.integers(sizesAt) else { return nil }
      guard sizes.count == resized.count else {
        throw .arity(
          what: "sizes", expected: resized.count...resized.count, actual: sizes.count)
      }
      var result = [Int?](repeating: nil, count: rank)
      for (axis, size) in zip(resized, sizes) {
        guard size >= 0, size <= Int(Int32.max) else {
          throw .outOfRange(what: "size", value: size, allowed: "0 to \(Int32.max)")
        }
        result[axis] = size
      }
      return .sizes(result)
    }
    guard isGiven(inputs, scalesAt) else {
      throw .missingInput(index: scalesAt, name: "scales")
    }
    guard let scales = inputs.constant(scalesAt)?.convertedToFloat()?.elements(of: Float.self)
    else { return nil }
    guard scales.count == resized.count else {
      throw .arity(what: "scales", expected: resized.count...resized.count, actual: scales.count)
    }
    var result = [Float](repeating: 1, count: rank)
    for (axis, scale) in zip(resized, scales) { result[axis] = scale }
    return .scales(result)
  }

  /// Exporters leave an input empty rather than absent.
  private func isGiven(_ inputs: [InputInfo?], _ index: Int) -> Bool {
    inputs.isPresent(index) && inputs.dimensions(index) != [0]
  }

  private func resolved(
    _ factors: Factors, _ shape: [Int], region: [Int: (Float, Float)]
  ) throws(OperatorError) -> [Resampling.Axis] {
    var common: Float?
    if case .sizes(let sizes) = factors, aspectRatio != .stretch {
      let scales = zip(sizes, shape).compactMap { size, input in
        size.map { Float($0) / Float(max(input, 1)) }
      }
      common = aspectRatio == .notLarger ? scales.min() : scales.max()
    }
    var result: [Resampling.Axis] = []
    for (axis, input) in shape.enumerated() {
      guard input <= Int(Int32.max) else {
        throw .outOfRange(what: "dimension", value: input, allowed: "up to \(Int32.max)")
      }
      var entry = Resampling.Axis(input: input, output: input, scale: 1)
      switch factors {
      case .scales(let scales):
        entry.scale = scales[axis]
        entry.output = try Self.size(Float(input) * scales[axis])
      case .sizes(let sizes):
        guard let size = sizes[axis] else { break }
        entry.output = size
        entry.scale = Float(size) / Float(max(input, 1))
        entry.isQuotient = common == nil
        if let common {
          entry.scale = common
          entry.output = try Self.size(common * Float(input) + 0.5)
        }
      }
      guard entry.scale.isFinite, entry.scale > 0 || entry.output == 0 else {
        throw .mismatch(what: "scale", expected: "above 0", actual: "\(entry.scale)")
      }
      guard input > 0 || entry.output == 0 else {
        throw .outOfRange(what: "size of an empty axis", value: entry.output, allowed: "0")
      }
      if let (start, end) = region[axis] {
        entry.region = min(start, end)...max(start, end)
        entry.isFlipped = end < start
      }
      result.append(entry)
    }
    return result
  }

  private static func size(_ value: Float) throws(OperatorError) -> Int {
    guard value >= 0, value < 0x1p31 else {
      throw .mismatch(what: "size", expected: "0 to \(Int32.max)", actual: "\(value)")
    }
    return Int(value)
  }
}

extension Resize: DifferentiableOperator {
  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    try kernels(context).kernel(context)
  }

  package func makeTrainingKernel(_ context: FormContext) throws(KernelError)
    -> any TrainingKernel
  { try kernels(context.kernel).trainingKernel(context, "resize") }

  private func kernels(_ context: KernelContext) throws(KernelError) -> ResamplingKernels {
    let shape = try context.input(0).shape
    let axes = try KernelError.operation { () throws(OperatorError) in
      let inputs = context.inferenceInputs
      guard let factors = try factors(inputs, rank: shape.count) else {
        throw .needsConstant(input: "scales")
      }
      return try resolved(factors, shape, region: try region(inputs, rank: shape.count))
    }
    return ResamplingKernels(resampling: resampling, axes: axes, extrapolation: extrapolation)
  }

  /// Start and end of the resized part of each axis, in tf_crop_and_resize.
  private func region(_ inputs: [InputInfo?], rank: Int) throws(OperatorError) -> [Int: (
    Float, Float
  )] {
    guard resampling.coordinates == .tfCropAndResize else { return [:] }
    guard isGiven(inputs, 1) else { throw .missingInput(index: 1, name: "roi") }
    guard let numbers = inputs.constant(1)?.convertedToFloat()?.elements(of: Float.self) else {
      throw .needsConstant(input: "roi")
    }
    let resized = axes ?? Array(0..<rank)
    guard numbers.count == 2 * resized.count else {
      throw .arity(
        what: "numbers of roi", expected: 2 * resized.count...2 * resized.count,
        actual: numbers.count)
    }
    var result: [Int: (Float, Float)] = [:]
    for (place, axis) in resized.enumerated() {
      let (start, end) = (numbers[place], numbers[place + resized.count])
      guard start.magnitude < 0x1p16, end.magnitude < 0x1p16 else {
        throw .mismatch(what: "roi", expected: "magnitudes below 2^16", actual: "\(start), \(end)")
      }
      result[try Axes.normalized(axis, rank: rank)] = (start, end)
    }
    return result
  }
}
