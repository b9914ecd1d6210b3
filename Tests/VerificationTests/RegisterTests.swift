import AccumulatorBounds
import GraphIR
import TensorCore
import TestSupport
import Testing

@testable import Verification

/// Layers in registers that the caller names, as hardware has them.
@Suite struct RegisterTests {
  static func x86() throws -> VerificationConditions {
    let registers: Registers = try #require(Registers.named("x86-u8s8"))
    return VerificationConditions(registers: registers)
  }

  /// Registers of 8 bits behind which is one of 20.
  static func conditions(
    _ products: [ProductOrder], length: Int = 2, bits: Int = 8,
    operands: RegisterOperands = .values
  ) throws -> VerificationConditions {
    VerificationConditions(
      registers: try Registers(
        name: "test",
        stages: [
          .init(length: length, bits: bits, overflow: .saturate, products: products),
          .init(bits: 20, overflow: .wrap),
        ], operands: operands))
  }

  /// A convolution whose kernel has the weights' last two dimensions.
  static func convolution(
    _ weights: [Float], _ shape: [Int], inputBits: Float = 8, signed: Bool = false,
    zeroPoint: Float = 0, weightsSigned: Bool = true, pads: [Int64]? = nil,
    clip: (Float, Float)? = nil
  ) -> GraphBuilder {
    var builder = GraphBuilder()
    var x = builder.quant(
      builder.input("x", TensorType(.float32, shape: [1, shape[1], 8, 8])), bits: inputBits,
      signed: signed, zeroPoint: zeroPoint)
    if let clip {
      x = builder.node(
        "Clip", [x, builder.constant([clip.0], []), builder.constant([clip.1], [])])
    }
    let w = builder.quant(
      builder.constant(weights, shape, name: "w"), bits: 8, signed: weightsSigned)
    builder.output(
      builder.node(
        "Conv", [x, w], pads.map { [Attribute("pads", .ints($0))] } ?? [], name: "conv"))
    return builder
  }

  static func verdict(_ builder: GraphBuilder, _ conditions: VerificationConditions) throws
    -> LayerVerdict
  {
    let result = try Verifier.verify(builder.model, conditions)
    try #require(result.layers.count == 1)
    #expect(result.isCertified == result.layers[0].isCertified)
    return result.layers[0]
  }

  @Test(
    arguments: [
      ([100, 28, 0, 0], true), ([100, 29, 0, 0], false), ([-100, -28], true), ([-100, -29], false),
      // A product alone always fits, and products of two signs don't add up.
      ([127, -128, 127, -128], true), ([127, 0, 127, 0], true), ([0, 127, 127, 0], true),
    ] as [([Float], Bool)])
  func `pairs of bytes are certified where 16 bits hold them`(weights: [Float], fits: Bool) throws {
    var builder = GraphBuilder()
    let x = builder.quant(builder.input(), bits: 8, signed: false)
    let w = builder.quant(builder.constant(weights, [1, weights.count]), bits: 8, signed: true)
    builder.output(builder.node("Gemm", [x, w], [Attribute("transB", .int(1))], name: "fc"))
    let verdict = try Self.verdict(builder, try Self.x86())
    #expect(verdict.isCertified == fits)
    #expect(verdict.targetBits == 16)
    if fits { return }
    let example = try #require(verdict.counterexample)
    let sum = (example.prefix ?? []).reduce(0) { $0 + Int(weights[$1]) * Int(example.input[$1]) }
    #expect(Int128(sum) == example.sum)
    #expect(!(-32768...32767).contains(sum))
    #expect(example.prefix == [0, 1] && example.tile == 0)
  }

  @Test func `a convolution pairs channels of one position, not neighbours in the file`() throws {
    // Two channels of two positions: stored as c0p0 c0p1 c1p0 c1p1.
    let apart = Self.convolution([100, 100, 10, 10], [1, 2, 1, 2])
    let together = Self.convolution([100, 10, 100, 10], [1, 2, 1, 2])
    #expect(try Self.verdict(apart, try Self.x86()).isCertified)
    let refuted = try Self.verdict(together, try Self.x86())
    #expect(refuted.counterexample?.prefix == [0, 2])
    let stored = try Self.conditions([.stored], bits: 16)
    #expect(try !Self.verdict(apart, stored).isCertified)
    #expect(try Self.verdict(together, stored).isCertified)
  }

  @Test func `where channels are odd, runs go on in the next position or begin there`() throws {
    // Three channels of two positions; pairs that run on: c0p0 c1p0, c2p0 c0p1, c1p1 c2p1.
    let runsOn = Self.convolution([0, 100, 0, 0, 100, 0], [1, 3, 1, 2])
    let begins = Self.convolution([0, 100, 0, 100, 0, 0], [1, 3, 1, 2])
    let last = try Self.conditions([.channelsLast], bits: 16)
    let within = try Self.conditions([.withinPosition], bits: 16)
    #expect(try !Self.verdict(runsOn, last).isCertified)
    #expect(try Self.verdict(runsOn, within).isCertified)
    #expect(try Self.verdict(begins, last).isCertified)
    #expect(try !Self.verdict(begins, within).isCertified)
    for builder in [runsOn, begins] {
      #expect(try !Self.verdict(builder, try Self.x86()).isCertified, "either way is known")
    }
  }

  @Test func `codes of signed inputs are raised to unsigned bytes`() throws {
    // Less than 16 bits by the values, 255 x 129 by the bytes.
    let builder = Self.convolution([100, 29], [1, 2, 1, 1], signed: true)
    #expect(try Self.verdict(builder, try Self.conditions([.stored], bits: 16)).isCertified)
    let verdict = try Self.verdict(builder, try Self.x86())
    #expect(verdict.counterexample?.sum == 32895)
    #expect(verdict.counterexample?.operands == .unsignedBytes)
    #expect(verdict.counterexample?.input == [255, 255])
  }

  @Test func `codes keep their type where a clip leaves positive ones`() throws {
    let builder = Self.convolution([100, 29], [1, 2, 1, 1], signed: true, clip: (0, 127))
    #expect(try !Self.verdict(builder, try Self.x86()).isCertified)
    let small = Self.convolution([100, 29], [1, 2, 1, 1], signed: true, clip: (-128, 100))
    #expect(try Self.verdict(small, try Self.x86()).isCertified, "228 x 129 fits")
  }

  @Test func `padding is the code of zero`() throws {
    // Codes of at most -28 become bytes of at most 100, but zero is 128.
    let clip: (Float, Float) = (-128, -28)
    let plain = Self.convolution([127, 127], [1, 2, 1, 1], signed: true, clip: clip)
    let bits = try Self.conditions([.channelsLast], bits: 16, operands: .unsignedBytes)
    #expect(try Self.verdict(plain, bits).isCertified)
    let shape = [1, 2, 1, 1]
    let padded = Self.convolution(
      [127, 127], shape, signed: true, pads: [1, 1, 1, 1], clip: clip)
    #expect(try Self.verdict(padded, bits).requiredBits == 16)
    let tight = try Self.conditions([.channelsLast], length: 4, bits: 17, operands: .unsignedBytes)
    let four = Self.convolution(
      [127, 127, 127, 127], [1, 4, 1, 1], signed: true, pads: [1, 1, 1, 1], clip: clip)
    #expect(try Self.verdict(four, tight).tiles?.channels[0].inner.maximum == 65024)
  }

  @Test func `the zero point stays in the bytes`() throws {
    var builder = GraphBuilder()
    let x = builder.input("x", TensorType(.uint8, shape: [1, 2]))
    builder.output(
      builder.node(
        "MatMulInteger",
        [
          x, builder.constant(of: [100, 29] as [Int8], [2, 1], name: "w"),
          builder.constant(of: [128] as [UInt8], []),
        ]))
    let verdict = try Self.verdict(builder, try Self.x86())
    #expect(verdict.counterexample?.sum == 32895, "128 x 129 less the zero point would fit")
  }

  @Test func `where the zero point is computed any byte may come`() throws {
    var builder = GraphBuilder()
    let x = builder.input("x", TensorType(.uint8, shape: [1, 2]))
    let zero = builder.input("z", TensorType(.uint8, shape: []))
    let low = builder.node(
      "Clip",
      [zero, builder.constant(of: [5] as [UInt8], []), builder.constant(of: [255] as [UInt8], [])])
    builder.output(
      builder.node(
        "MatMulInteger", [x, builder.constant(of: [100, 29] as [Int8], [2, 1], name: "w"), low]))
    #expect(try Self.verdict(builder, try Self.x86()).counterexample?.sum == 32895)
  }

  @Test func `the zero point of the weights stays in the bytes`() throws {
    var builder = GraphBuilder()
    let x = builder.input("x", TensorType(.uint8, shape: [1, 2]))
    builder.output(
      builder.node(
        "MatMulInteger",
        [
          x, builder.constant(of: [70, 70] as [Int8], [2, 1], name: "w"), nil,
          builder.constant(of: [60] as [Int8], []),
        ]))
    #expect(try Self.verdict(builder, try Self.x86()).counterexample?.sum == 35700)
  }

  @Test func `unsigned weights are widened first`() throws {
    let builder = Self.convolution([255, 255], [1, 2, 1, 1], weightsSigned: false)
    let verdict = try Self.verdict(builder, try Self.x86())
    #expect(verdict.isCertified && verdict.tiles?.outerRequiredBits == 18)
    let neon = VerificationConditions(registers: Registers.named("neon-s8s8"))
    let open = try Self.verdict(builder, neon)
    #expect(!open.isCertified && !open.findings.contains(where: \.isRefutation))
  }

  @Test func `unsigned weights are the unsigned operand where codes of inputs are signed`() throws {
    // Runtimes exchange the operands of ConvInteger, and then add products as the file stores weights.
    func convolution(_ weights: [UInt8]) -> GraphBuilder {
      var builder = GraphBuilder()
      let x = builder.input("x", TensorType(.int8, shape: [1, 2, 1, 2]))
      builder.output(
        builder.node(
          "ConvInteger",
          [
            x, builder.constant(of: weights, [1, 2, 1, 2], name: "w"),
            builder.constant(of: [0] as [Int8], []), builder.constant(of: [128] as [UInt8], []),
          ]))
      return builder
    }
    let stored = try Self.verdict(convolution([200, 100, 0, 0]), try Self.x86())
    #expect(stored.counterexample?.sum == 38100 && stored.counterexample?.prefix == [0, 1])
    #expect(stored.counterexample?.input == [127, 127, 0, 0])
    let last = try Self.verdict(convolution([200, 0, 100, 0]), try Self.x86())
    #expect(!last.isCertified)
    #expect(try Self.verdict(convolution([128, 128, 128, 128]), try Self.x86()).isCertified)
  }

  @Test func `what the registers don't multiply is left open`() throws {
    let wide = Self.convolution([1, 1], [1, 2, 1, 1], inputBits: 9)
    let verdict = try Self.verdict(wide, try Self.x86())
    #expect(!verdict.isCertified && !verdict.findings.contains(where: \.isRefutation))
    var builder = GraphBuilder()
    let a = builder.quant(
      builder.input("a", TensorType(.float32, shape: [2, 2])), bits: 2, signed: false)
    let b = builder.quant(
      builder.input("b", TensorType(.float32, shape: [2, 2])), bits: 2, signed: false)
    builder.output(builder.node("MatMul", [a, b], name: "product"))
    let product = try Self.verdict(builder, try Self.x86())
    #expect(!product.isCertified && !product.findings.contains(where: \.isRefutation))
  }

  @Test func `the least signed byte overflows on NEON alone`() throws {
    let neon = VerificationConditions(registers: Registers.named("neon-s8s8"))
    let all = Self.convolution([-128, 0, -128, 1], [1, 4, 1, 1], signed: true)
    #expect(try Self.verdict(all, neon).counterexample?.sum == 32768)
    let narrow = Self.convolution([-128, 0, -127, 127], [1, 4, 1, 1], signed: true)
    #expect(try Self.verdict(narrow, neon).isCertified)
    let unsigned = Self.convolution([-128, 0, -128, 1], [1, 4, 1, 1])
    #expect(
      try Self.verdict(unsigned, neon).counterexample?.sum == 32768, "bytes lowered by 128")
  }

  @Test func `one register takes the place of the tiles that a file states`() throws {
    let int16 = VerificationConditions(registers: Registers.named("int16"))
    let result = try Verifier.verify(TileTests.builder().model, int16)
    #expect(result.layers[0].tiles == nil && result.layers[0].targetBits == 16)
    #expect(result.isCertified)
    let finn = VerificationConditions(registers: Registers.named("finn"))
    #expect(try Verifier.verify(TileTests.builder().model, finn).layers[0].targetBits == 5)
  }

  /// What any register of so many products can hold, over all inputs, by enumeration of what hardware does.
  private static func reach(
    _ weights: [Int], channels: Int, _ order: ProductOrder, _ size: Int, _ range: ClosedRange<Int>
  ) -> (Int, Int) {
    let positions = weights.count / channels
    var registers: [[Int]] = []
    switch order {
    case .stored:
      for index in weights.indices {
        if index % size == 0 { registers.append([]) }
        registers[registers.count - 1].append(weights[index])
      }
    case .channelsLast, .withinPosition:
      var open: [Int] = []
      for r in 0..<positions {
        for c in 0..<channels {
          open.append(weights[c * positions + r])
          if open.count == size {
            registers.append(open)
            open = []
          }
        }
        if order == .withinPosition {
          registers.append(open)
          open = []
        }
      }
      registers.append(open)
    case .any:
      for set in 0..<1 << weights.count where set.nonzeroBitCount == size {
        registers.append(weights.indices.filter { set >> $0 & 1 == 1 }.map { weights[$0] })
      }
    }
    let extremes = registers.map { BruteForceTests.extremes($0, range) }
    return (extremes.map(\.0).min() ?? 0, extremes.map(\.1).max() ?? 0)
  }

  @Test(arguments: ProductOrder.allCases, 1...4)
  func `registers need what enumeration of their products reaches`(order: ProductOrder, size: Int)
    throws
  {
    var random = SplitMix(seed: UInt64(size))
    for channels in 1...3 {
      for positions in 1...2 {
        let count = channels * positions
        guard size <= count else { continue }
        for (signed, range) in [(false, 0...3), (true, -2...1)] {
          let weights = (0..<count).map { _ in Int(random.next() % 15) - 7 }
          let builder = Self.convolution(
            weights.map(Float.init), [1, channels, 1, positions], inputBits: 2, signed: signed)
          let verdict = try Self.verdict(builder, try Self.conditions([order], length: size))
          let (low, high) = Self.reach(weights, channels: channels, order, size, range)
          let inner = try #require(verdict.tiles?.channels[0].inner)
          #expect(
            inner.minimum == Int128(low) && inner.maximum == Int128(high),
            "\(weights) of \(channels) channels, \(order) \(size), \(range)")
          #expect(verdict.isCertified == (low >= -128 && high <= 127))
        }
      }
    }
  }

  private struct SplitMix {
    var state: UInt64
    init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 }
    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var z = state
      z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
      return z ^ z >> 31
    }
  }
}
