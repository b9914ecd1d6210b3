import AccumulatorBounds
import CKernels
import DNNEngine
import Execution
import GraphIR
import TensorCore

/// `y = (clip(round(x / scale + zeropt), low, high) - zeropt) * scale` (QONNX Quant, version 1; IntQuant).
///
/// Inputs: X, scale, zeropt, bitwidth. `low` and `high` are the limits of a `bitwidth`-bit integer:
/// `-2^(b-1) + narrow ... 2^(b-1) - 1` signed, `0 ... 2^b - 1 - narrow` unsigned. One signed bit is
/// bipolar: the integer is 1 where `x / scale + zeropt >= 0`, else -1. Scale and zero point are scalars
/// or broadcast to X.
package struct Quant: SerializableOperator, ExecutableOperator {
  package static let schema = OperatorSchema(
    domain: "qonnx.custom_op.general", "Quant", since: 1, inputs: 4...4,
    inputTypes: [.float, .float, .numeric, .numeric])

  package var elementwise: ElementwiseForm? { .parametrized }
  package var roundsValues: Bool { true }

  /// The domain and type under which an exporter wrote the operator; all mean the same.
  package enum Spelling: Sendable, Hashable, CaseIterable {
    case qonnx, qonnxInt, brevitas, brevitasInt, finn, finnInt

    package var domain: String {
      switch self {
      case .qonnx, .qonnxInt: "qonnx.custom_op.general"
      case .brevitas, .brevitasInt: "onnx.brevitas"
      case .finn, .finnInt: "finn.custom_op.general"
      }
    }

    package var type: String {
      switch self {
      case .qonnx, .brevitas, .finn: "Quant"
      case .qonnxInt, .brevitasInt, .finnInt: "IntQuant"
      }
    }
  }

  package var isSigned: Bool
  package var isNarrow: Bool
  package var rounding: RoundingMode
  package var spelling: Spelling

  package var domain: String { spelling.domain }
  package var type: String { spelling.type }

  package init(
    isSigned: Bool, isNarrow: Bool, rounding: RoundingMode = .round, spelling: Spelling = .qonnx
  ) {
    self.isSigned = isSigned
    self.isNarrow = isNarrow
    self.rounding = rounding
    self.spelling = spelling
  }

  package init(attributes: AttributeReader) throws(OperatorError) {
    let name = try attributes.string("rounding_mode", default: RoundingMode.round.rawValue)
    guard let rounding = RoundingMode(rawValue: name.uppercased()) else {
      throw .attributeValue(
        name: "rounding_mode", value: name,
        allowed: RoundingMode.allCases.map(\.rawValue).joined(separator: ", "))
    }
    self.init(
      isSigned: try attributes.bool("signed", default: true),
      isNarrow: try attributes.bool("narrow", default: true), rounding: rounding)
  }

  package func attributes() -> [Attribute] {
    [
      Attribute("narrow", .int(isNarrow ? 1 : 0)),
      Attribute("rounding_mode", .string(rounding.rawValue)),
      Attribute("signed", .int(isSigned ? 1 : 0)),
    ]
  }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    if let bits = inputs.constant(3) {
      guard bits.count == 1 else {
        throw .mismatch(what: "elements of bitwidth", expected: "1", actual: "\(bits.count)")
      }
      _ = try Self.bitWidth(bits)
    }
    guard let x = inputs.dimensions(0) else { return [inputs.type(0)] }
    for index in 1...2 {
      guard let parameter = inputs.dimensions(index) else { continue }
      guard parameter.count <= x.count || parameter.allSatisfy({ $0 == 1 }) else {
        throw .rank(input: index, expected: "at most \(x.count)", actual: parameter.count)
      }
      for (size, target) in zip(parameter.reversed(), x.reversed()) {
        if let size = size.size, let target = target.size, size != 1, size != target {
          throw .mismatch(
            what: "dimension of input \(index)", expected: "1 or \(target)", actual: "\(size)")
        }
      }
    }
    return [inputs.type(0)]
  }

  /// - Throws: ``OperatorError/outOfRange`` unless it is a whole number from 1 to 32.
  static func bitWidth(_ tensor: Tensor) throws(OperatorError) -> Int {
    let value = tensor.convertedToFloat()?.elements(of: Float.self).first ?? .nan
    guard value >= 1, value <= 32, value == value.rounded() else {
      throw .attributeValue(name: "bitwidth", value: "\(value)", allowed: "whole, 1 to 32")
    }
    return Int(value)
  }

  /// The least and the greatest integer of `bits` bits.
  package func limits(bits: Int) -> ClosedRange<Int> {
    if isSigned, bits == 1 { return -1...1 }
    return IntegerType(bits: bits, signed: isSigned, narrow: isNarrow).limits
  }
}

/// How a real number becomes an integer, with the names of QONNX.
package enum RoundingMode: String, Sendable, Hashable, CaseIterable {
  /// To nearest, ties to even.
  case round = "ROUND"
  case halfEven = "HALF_EVEN"
  case ceil = "CEIL"
  case floor = "FLOOR"
  /// Away from zero.
  case up = "UP"
  /// Toward zero.
  case down = "DOWN"
  case roundToZero = "ROUND_TO_ZERO"
  /// To nearest, ties away from zero.
  case halfUp = "HALF_UP"
  /// To nearest, ties toward zero.
  case halfDown = "HALF_DOWN"
}

extension Quant {
  /// A loop over the layout in which the input stands, where scale and zero point are scalars or lie along
  /// one axis; otherwise row by row in row-major order. The bit width must be constant.
  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    let x = try context.floatInput(0)
    let scale = try context.floatInput(1)
    let zero = try context.floatInput(2)
    guard let bits = try context.input(3).constant else {
      throw .operator(.needsConstant(input: "bitwidth"))
    }
    let width = try KernelError.operation(try Self.bitWidth(bits))
    let limits = limits(bits: width)
    // Two narrow bits have the same limits, and a zero between them.
    let isBipolar = width == 1 && isSigned
    let map = snug_quant_map(
      low: Float(limits.lowerBound), high: Float(limits.upperBound),
      rounding: isBipolar ? snug_round_sign : rounding.kernel)
    guard let axis = commonAxis(scale, zero, of: x.shape) else {
      return try general(context, x, scale, zero, map)
    }
    var (nest, layout) = try x.nest(around: axis)
    // Padding must stay zero, which a bipolar quantizer turns into its scale.
    if nest.hasPadding, isBipolar {
      (nest, layout) = (KernelInput.rowMajorNest(x.shape, axis), .rowMajor)
    }
    let isScalar = scale.type.count == 1 && zero.type.count == 1 && !nest.hasPadding
    var requests = context.rowMajorInputs
    requests[0] = .layout(layout)
    let scales = ScratchBuffer(nest, neutral: 1)
    let zeros = ScratchBuffer(nest, neutral: 0)
    return ClosureKernel(inputs: requests, outputs: [layout], overwritableInput: 0) {
      [nest] operands in
      let x = operands.input(0, as: Float.self)
      let y = operands.output(as: Float.self)
      let (s, z) = (operands.input(1, as: Float.self), operands.input(2, as: Float.self))
      if isScalar {
        let (s, z) = (s[0], z[0])
        Parallelism.forEachRange(
          count: nest.total, grain: MemoryDescriptor.AxisNest.grain, sharing: x, y
        ) { range, x, y in
          snug_quant(x + range.lowerBound, y + range.lowerBound, range.count, s, z, map)
        }
        return
      }
      scales.fill(from: s, entries: nest.count, isScalar: scale.type.count == 1)
      zeros.fill(from: z, entries: nest.count, isScalar: zero.type.count == 1)
      let (scale, zero) = (scales.pointer, zeros.pointer)
      nest.forEachPart(sharing: x, y, scale, zero) { parts, x, y, scale, zero in
        for (offset, count, entry) in parts {
          if nest.block > 1 {
            snug_quant_rows(
              x + offset, y + offset, count, nest.block, scale + entry, zero + entry, map)
          } else {
            snug_quant(x + offset, y + offset, count, scale[entry], zero[entry], map)
          }
        }
      }
    }
  }

  /// The axis along which scale and zero point vary, or `nil` where there is more than one.
  private func commonAxis(_ scale: KernelInput, _ zero: KernelInput, of shape: [Int]) -> Int? {
    guard let a = scale.singleAxis(of: shape), let b = zero.singleAxis(of: shape) else {
      return nil
    }
    if scale.type.count == 1 { return b }
    return zero.type.count == 1 || a == b ? a : nil
  }

  private func general(
    _ context: KernelContext, _ x: KernelInput, _ scale: KernelInput, _ zero: KernelInput,
    _ map: snug_quant_map
  ) throws(KernelError) -> any Kernel {
    let shape = x.shape
    let rows = BroadcastRows(scale.shape, zero.shape, output: shape)
    return ClosureKernel(context) { operands in
      let (x, y) = (operands.input(0, as: Float.self), operands.output(as: Float.self))
      let (s, z) = (operands.input(1, as: Float.self), operands.input(2, as: Float.self))
      rows.forEach(0..<rows.count) { row, a, b in
        for i in 0..<rows.length {
          let index = row * rows.length + i
          snug_quant(
            x + index, y + index, 1, s[a + i * rows.stepA], z[b + i * rows.stepB], map)
        }
      }
    }
  }
}

extension RoundingMode {
  /// The integer that `x` becomes.
  func apply(_ x: Float) -> Float {
    switch self {
    case .round, .halfEven: x.rounded(.toNearestOrEven)
    case .ceil: x.rounded(.up)
    case .floor: x.rounded(.down)
    case .up: x.rounded(.awayFromZero)
    case .down, .roundToZero: x.rounded(.towardZero)
    case .halfUp: x.rounded(.toNearestOrAwayFromZero)
    case .halfDown: Float(signOf: x, magnitudeOf: (x.magnitude - 0.5).rounded(.up))
    }
  }

  var kernel: snug_rounding {
    switch self {
    case .round, .halfEven: snug_round_half_even
    case .ceil: snug_round_ceil
    case .floor: snug_round_floor
    case .up: snug_round_up
    case .down, .roundToZero: snug_round_down
    case .halfUp: snug_round_half_up
    case .halfDown: snug_round_half_down
    }
  }
}
