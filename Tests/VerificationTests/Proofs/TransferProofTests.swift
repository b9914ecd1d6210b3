import GraphIR
import TensorCore
import Testing

@testable import Verification

/// Each rule of integers, proved over all small facts: whatever concrete tensor an input is, the standard's result is
/// one that the derived fact allows.
@Suite struct TransferProofTests {
  typealias Proof = @Sendable (inout Prover) -> Void

  static let proofs: [String: Proof] = [
    arithmetic, extrema, quantizers, linearQuantization, windows, movement, selection,
  ].reduce(into: [:]) { $0.merge($1) { first, _ in first } }

  @Test(arguments: proofs.keys.sorted())
  func `every concrete result is one that the derived integers allow`(_ name: String) throws {
    let colon = try #require(name.lastIndex(of: ":"))
    var prover = Prover(String(name[..<colon]), String(name[name.index(after: colon)...]))
    let proof = try #require(Self.proofs[name])
    proof(&prover)
    // A rule that always gives real numbers would need no proof.
    #expect(prover.known > 0, "\(prover.cases) cases, none of them known")
  }

  @Test func `every operator with a rule of integers has a proof, and no other one`() {
    let ruled = OperatorTable.all.filter { $0.definition.integers != nil }
      .map { "\($0.domain):\($0.type)" }
    #expect(Set(ruled) == Set(Self.proofs.keys))
  }

  // MARK: Facts

  /// All ranges of up to 3 bits.
  static let ranges: [ClosedRange<Int>] = subranges(-4...3)
  static let steps: [Float] = [1, -1, 0.5, -0.5, 0.1, -0.1]

  static func subranges(_ range: ClosedRange<Int>) -> [ClosedRange<Int>] {
    range.flatMap { low in (low...range.upperBound).map { low...$0 } }
  }

  /// Ranges of two bits at the ends of a type and in its middle.
  static func ranges(_ type: ElementType) -> [ClosedRange<Int>] {
    let full = Dense.bounds(type)
    let middle = full.lowerBound < 0 ? -2 : 3
    return subranges(full.lowerBound...full.lowerBound + 2) + subranges(middle...middle + 3)
      + subranges(full.upperBound - 2...full.upperBound)
  }

  static func constant(_ type: ElementType, _ values: [Int]) -> Operand {
    .constant(Dense(type, values))
  }

  /// Integers at the ends of a type and around zero.
  static func corners(_ type: ElementType) -> [Int] {
    let full = Dense.bounds(type)
    return [full.lowerBound, full.lowerBound + 1, max(-1, full.lowerBound), 0, 1, 2]
      + [full.upperBound - 1, full.upperBound]
  }

  /// A constant behind a QuantizeLinear, and its codes by the standard.
  static func quantized(
    _ values: [Double], _ shape: [Int], scale: Float, zero: Int, _ type: ElementType
  ) -> Operand {
    let dense = Dense(.float32, shape, values)
    let codes = CodeRange(of: type) ?? CodeRange(bits: 8, signed: true)
    let tensor = dense.tensor.map { ConstantTensor($0, name: "w") }
    let constant = tensor.map {
      ValueFact.constant(
        $0.quantized(
          by: ElementQuantizer(
            formula: .linear, scale: Parameter(scale, rank: shape.count),
            zeroPoint: Parameter(zero, rank: shape.count), lower: codes.minimum,
            upper: codes.maximum), to: codes))
    }
    return .runTime(
      constant ?? .real(.sparse(value: "w")),
      [
        Standard.quantizeLinear(
          dense, scale: .scalar(.float32, Double(scale)), zero: .scalar(type, Double(zero)),
          type: type)
      ])
  }

  /// An integer constant with a step and a zero point for each index of an axis.
  static func dequantized(_ shape: [Int], axis: Int) -> Operand {
    let count = shape.reduce(1, *)
    let codes = Dense(.int8, shape, (0..<count).map { Double($0 % 9 - 4) })
    let scales = (0..<shape[axis]).map { Float($0 + 1) * 0.5 }
    let zeros = (0..<shape[axis]).map { $0 - 1 }
    let fact = codes.tensor.map {
      ValueFact.constant(
        ConstantTensor($0, name: "w").dequantized(
          scale: Parameter(scales, axis: axis, rank: shape.count),
          zeroPoint: Parameter(zeros, axis: axis, rank: shape.count)))
    }
    return .runTime(
      fact ?? .real(.sparse(value: "w")),
      [
        Standard.dequantizeLinear(
          codes, scale: Dense(.float32, [scales.count], scales.map { Double($0) }),
          zero: Dense(.int8, zeros), axis: axis)
      ])
  }

  /// Operands of one shape with every kind of fact.
  static func samples(_ shape: [Int]) -> [Operand] {
    let count = shape.reduce(1, *)
    var result: [Operand] = [
      .grid(-3...2, 0.5, shape), .grid(1...3, -0.5, shape), .codes(2...4, .uint8, shape),
      .codes(-128 ... -126, .int8, shape),
      .constant(Dense(.int8, shape, (0..<count).map { Double($0 - 3) })),
      .constant(Dense(.float32, shape, (0..<count).map { Double($0) * 0.5 })),
    ]
    for axis in shape.indices { result.append(dequantized(shape, axis: axis)) }
    return result
  }
}
