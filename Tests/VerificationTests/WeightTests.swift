import GraphIR
import TensorCore
import TestSupport
import Testing

@testable import Verification

/// The sums over a weight's integers: every stored type, quantizer and length gives those of a plain loop.
@Suite struct WeightTests {
  /// Compares the sums of each channel, and the integers themselves, with what was computed here.
  private static func expect(_ builder: GraphBuilder, _ channels: [[Int]], _ what: String) throws {
    let layer = try builder.layer()
    #expect(layer.obstacle == nil, "\(what)")
    #expect(layer.channels.count == channels.count, "\(what)")
    for (own, bounds) in zip(channels, layer.channels) {
      #expect(bounds.sums.positive == Int64(own.reduce(0) { $0 + max($1, 0) }), "\(what)")
      #expect(bounds.sums.negative == Int64(own.reduce(0) { $0 - min($1, 0) }), "\(what)")
    }
    #expect(layer.integers == channels.map { $0.map { Int64($0) } }, "\(what)")
  }

  @Test(arguments: [
    ElementType.int4, .uint4, .int8, .uint8, .int16, .uint16, .int32, .uint32,
  ])
  func `integers of each stored type are summed with their signs and zero points`(
    _ type: ElementType
  ) throws {
    let range = try #require(CodeRange(of: type)).fullType
    let codes = [
      range.lowerBound, range.upperBound, range.upperBound - 1, range.lowerBound + 1, 1,
      range.upperBound / 2 + 1,
    ]
    let tensor: Tensor
    if [.int4, .uint4].contains(type) {
      let bytes = stride(from: 0, to: 6, by: 2).map {
        UInt8(truncatingIfNeeded: codes[$0] & 15 | (codes[$0 + 1] & 15) << 4)
      }
      let storage = TensorStorage(byteCount: 3) { $0.copyBytes(from: bytes) }
      tensor = try #require(Tensor(elementType: type, shape: [3, 2], storage: storage))
    } else {
      tensor = try #require(ConstantFolding.tensor(codes, [3, 2], type))
    }
    for zero in [0, 3] {
      for isTransposed in [false, true] {
        var builder = GraphBuilder()
        let w = builder.graph.addConstant(name: "w", tensor)
        let scaled = builder.node(
          "DequantizeLinear",
          [w, builder.constant([1], []), builder.constant(of: [Int32(zero)], [])])
        let x = builder.quant(builder.input(), bits: 2, signed: false)
        builder.output(
          builder.node("Gemm", [x, scaled], [Attribute("transB", .int(isTransposed ? 1 : 0))]))
        let own = codes.map { $0 - zero }
        let channels =
          isTransposed
          ? [[0, 1], [2, 3], [4, 5]].map { $0.map { own[$0] } }
          : [[0, 2, 4], [1, 3, 5]].map { $0.map { own[$0] } }
        try Self.expect(builder, channels, "\(type) \(zero) \(isTransposed)")
      }
    }
  }

  @Test func `the zero points of the quantizer and of the layer are different numbers`() throws {
    let numbers = [1, 2, -3, 4]
    for offset in [0, 5] {
      for zero in [0, 5, 2] {
        var builder = GraphBuilder()
        let x = builder.input("x", TensorType(.uint8, shape: [1, 4]))
        let codes = builder.node(
          "QuantizeLinear",
          [
            builder.constant(numbers.map { Float($0) }, [4, 1]), builder.constant([1], []),
            builder.constant(of: [Int8(offset)], []),
          ])
        builder.output(
          builder.node(
            "MatMulInteger",
            [
              x, codes, builder.constant(of: [UInt8(0)], []),
              builder.constant(of: [Int8(zero)], []),
            ]))
        try Self.expect(builder, [numbers.map { $0 + offset - zero }], "\(offset) \(zero)")
      }
    }
  }

  @Test(arguments: [20, 21, 22, 23, 24, 30])
  func `integers of many bits are rounded exactly`(_ bits: Int) throws {
    // Single precision holds these.
    let reach = 1 << (bits - 1)
    let unit = max(1, reach >> 23)
    let numbers = [reach - unit, -reach, reach / 3 / unit * unit, -reach / 5 / unit * unit, 1]
    for mode in ["ROUND", "FLOOR"] {
      var builder = GraphBuilder()
      let x = builder.quant(builder.input(), bits: 2, signed: false)
      let w = builder.quant(
        builder.constant(numbers.map { Float($0) }, [5, 1]), bits: Float(bits), signed: true,
        mode: mode)
      builder.output(builder.node("MatMul", [x, w]))
      try Self.expect(builder, [numbers], mode)
    }
  }

  @Test func `each channel is rounded with its own step and zero point`() throws {
    for mode in ["ROUND", "FLOOR", "CEIL"] {
      for zero in [0, 2] as [Float] {
        var builder = GraphBuilder()
        let x = builder.quant(builder.input(), bits: 2, signed: false)
        let w = builder.quant(
          builder.constant([2, 2, 4, 4, -6, -6], [3, 2], name: "w"), scales: [1, 0.5], [1, 2],
          bits: 6, signed: true, zeroPoint: zero, mode: mode)
        builder.output(builder.node("MatMul", [x, w]))
        try Self.expect(builder, [[2, 4, -6], [4, 8, -12]], "\(mode) \(zero)")
      }
    }
  }

  /// Runs longer than 32 bits hold in one sum, and than one partial sum has elements.
  @Test(arguments: [65_535, 65_536, 65_537, 70_001, 140_000])
  func `long sums equal a plain loop`(_ count: Int) throws {
    for (isExtreme, columns) in [(true, 1), (true, 2), (false, 1), (false, 2)] {
      let values = (0..<count * columns).map { index in
        Int16(isExtreme ? (index / columns % 977 == 0 ? -32768 : 32767) : (index * 7919) % 200 - 99)
      }
      var builder = GraphBuilder()
      let x = builder.quant(builder.input(), bits: 2, signed: false)
      let w = builder.node(
        "DequantizeLinear",
        [builder.constant(of: values, [count, columns], name: "w"), builder.constant([1], [])])
      builder.output(builder.node("MatMul", [x, w]))
      let channels = (0..<columns).map { column in
        stride(from: column, to: values.count, by: columns).map { Int(values[$0]) }
      }
      try Self.expect(builder, channels, "\(isExtreme) \(columns)")
    }
  }
}
