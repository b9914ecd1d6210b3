import Execution
import GraphIR
import TensorCore

/// `start, start + delta, ...` up to `limit`, which is not reached (ONNX Range, opset 11).
///
/// Three scalars of one type; there are `max(ceil((limit - start) / delta), 0)` numbers.
package struct RangeOf: SerializableOperator, ExecutableOperator {
  package static let schema = OperatorSchema(
    "Range", since: 11, inputs: 3...3,
    inputTypes: [[.float32, .float64, .float16, .bfloat16, .int16, .int32, .int64]])

  package init() {}
  package init(attributes: AttributeReader) { self.init() }

  package func infer(_ inputs: [InputInfo?]) throws(OperatorError) -> [TensorType?] {
    guard let type = inputs.type(0)?.elementType else { return [nil] }
    var scalars: [ElementCodec.Number] = []
    for (index, name) in ["start", "limit", "delta"].enumerated() {
      if let actual = inputs.type(index)?.elementType, actual != type {
        throw .elementType(input: index, actual: actual, allowed: [type])
      }
      guard let scalar = inputs.constant(index) else { return [TensorType(type, [.unknown])] }
      guard scalar.count == 1, let base = scalar.aligned.storage.bytes.baseAddress,
        let codec = ElementCodec(type)
      else {
        throw .mismatch(what: "elements of \(name)", expected: "1", actual: "\(scalar.count)")
      }
      scalars.append(codec.load(base, 0))
    }
    return [TensorType(type, [.fixed(try Self.count(scalars[0], scalars[1], scalars[2]))])]
  }

  private static func count(
    _ start: ElementCodec.Number, _ limit: ElementCodec.Number, _ delta: ElementCodec.Number
  ) throws(OperatorError) -> Int {
    if delta.isZero { throw .outOfRange(what: "delta", value: 0, allowed: "other than 0") }
    guard case .integer(let first) = start, case .integer(let last) = limit,
      case .integer(let step) = delta
    else {
      let count = ((limit.double - start.double) / delta.double).rounded(.up)
      guard count.isFinite, count < Double(Dimensions.limit) else {
        throw .mismatch(what: "count of the range", expected: "below 2^40", actual: "\(count)")
      }
      return max(Int(count), 0)
    }
    // The distance of two 64-bit integers needs 65 bits.
    let (distance, step128) = (Int128(last) - Int128(first), Int128(step))
    guard (distance > 0) == (step > 0), distance != 0 else { return 0 }
    let count = (distance.magnitude - 1) / step128.magnitude + 1
    guard count <= UInt128(Dimensions.limit) else {
      throw .mismatch(what: "count of the range", expected: "below 2^40", actual: "\(count)")
    }
    return Int(count)
  }
}

extension RangeOf {
  /// Each number is computed from its place, so that rounding errors don't add up.
  package func makeKernel(_ context: KernelContext) throws(KernelError) -> any Kernel {
    let output = try context.output()
    guard let codec = ElementCodec(output.elementType) else {
      throw .operator(.unsupported(what: "element type \(output.elementType.onnxName)"))
    }
    let count = output.count
    return ClosureKernel(context) { operands in
      let start = codec.load(operands.input(0, as: UInt8.self), 0)
      let delta = codec.load(operands.input(2, as: UInt8.self), 0)
      let y = operands.output(as: UInt8.self)
      for index in 0..<count {
        if case .integer(let first) = start, case .integer(let step) = delta {
          codec.store(.integer(first &+ Int64(index) &* step), y, index)
        } else {
          codec.store(.real(start.double + Double(index) * delta.double), y, index)
        }
      }
    }
  }
}
