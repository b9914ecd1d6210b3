import GraphIR
import TensorCore
import TestSupport
import Testing

@testable import Verification

/// The ways from a layer's output to what is added to it.
extension BiasProofTests {
  /// A sum with one more integer.
  private static func plus(
    _ builder: inout GraphBuilder, _ layer: Layer, _ value: Int, _ sum: ValueID, name: String,
    operator type: String = "Add"
  ) -> ValueID {
    let step: Float = layer.type.hasSuffix("Integer") ? 1 : 0.125
    return builder.node(
      type, [sum, constant(&builder, layer, [value], [1], step: step)], name: name)
  }

  private static func output(_ builder: inout GraphBuilder, _ layer: Layer) -> ValueID {
    build(&builder, layer, inputScale: 0.5, weightScale: 0.25)
  }

  /// Joins two values as a node with elements of both.
  private static func join(
    _ builder: inout GraphBuilder, _ type: String, _ parts: [ValueID]
  ) -> ValueID {
    type == "Where"
      ? builder.node(
        "Where", [builder.input("mask", TensorType(.bool, shape: [1]))] + parts, name: "join")
      : builder.node(
        type, parts, type == "Concat" ? [Attribute("axis", .int(0))] : [], name: "join")
  }

  @Test(arguments: layers)
  func `integers that are added behind a Cast count, for an integer result in steps of 1`(
    _ layer: Layer
  ) throws {
    var builder = GraphBuilder()
    let y = Self.output(&builder, layer)
    let cast = builder.node("Cast", [y], [Attribute("to", .int(1))])
    let step: Float = layer.type.hasSuffix("Integer") ? 1 : 0.125
    let b = builder.quant(
      builder.constant([9 * step], [1], name: "b"), scale: step, bits: 8, signed: true)
    builder.output(builder.node("Add", [cast, b], name: "sum"))
    try Self.expect(
      builder, layer, layer.channels.map { _ in 9...9 }, isExact: true, "Cast")
  }

  @Test(arguments: layers)
  func `behind an operator that moves elements each channel may meet all of a constant`(
    _ layer: Layer
  ) throws {
    for move in ["Transpose", "Reshape", "Flatten", "DepthToSpace", "Slice", "Concat"] {
      for second in [nil, "Identity", "Join"] as [String?] {
        var builder = GraphBuilder()
        var y = Self.output(&builder, layer)
        let inputs = move == "Reshape" ? [y, builder.constant(of: [Int64(-1), 2], [2])] : [y]
        let moved = builder.node(
          move, inputs, move == "Concat" ? [Attribute("axis", .int(0))] : [])
        switch second {
        case "Identity": y = builder.node("Identity", [moved])
        // Only one of the ways has moved the channels; integer results may not be added to themselves.
        case "Join" where layer.type.hasSuffix("Integer"):
          y = builder.node("Concat", [y, moved], [Attribute("axis", .int(0))], name: "join")
        case "Join": y = builder.node("Add", [y, moved], name: "join")
        default: y = moved
        }
        let step: Float = layer.type.hasSuffix("Integer") ? 1 : 0.125
        let b = Self.constant(&builder, layer, [9, -4], [2], step: step)
        builder.output(builder.node("Add", [y, b], name: "sum"))
        try Self.expect(
          builder, layer, layer.channels.map { _ in -4...9 }, isExact: true,
          "\(move) \(second ?? "")")
      }
    }
  }

  @Test(arguments: layers)
  func `what is added where two ways meet comes on top of either`(_ layer: Layer) throws {
    for type in ["Concat", "Where", "Add", "Sum"] {
      for (first, second, third) in [(9, -4, 5), (-4, 9, 5), (-9, 4, -5), (4, -9, -5), (3, 2, 1)] {
        var builder = GraphBuilder()
        let y = Self.output(&builder, layer)
        var parts = [
          Self.plus(&builder, layer, first, y, name: "a"),
          Self.plus(&builder, layer, second, y, name: "b"),
        ]
        let isSum = ["Add", "Sum"].contains(type)
        if type == "Sum" {
          // The third summand stands between those with the sum.
          parts.insert(Self.constant(&builder, layer, [third], [1], step: 0.125), at: 1)
        }
        var sum = Self.join(&builder, type, parts)
        if type != "Sum" { sum = Self.plus(&builder, layer, third, sum, name: "c") }
        builder.output(sum)
        if isSum, layer.type.hasSuffix("Integer") {
          guard case .unknownBias? = try builder.layer().obstacle else {
            Issue.record("\(type) of an integer sum with itself")
            continue
          }
          continue
        }
        let low = min(first, second, 0) + min(third, 0)
        let high = max(first, second, 0) + max(third, 0)
        try Self.expect(
          builder, layer, layer.channels.map { _ in low...high }, isExact: true,
          "\(type) \(first) \(second) \(third)")
      }
    }
  }

  @Test(arguments: layers)
  func `one summand that is added here and subtracted there counts both ways`(_ layer: Layer) throws
  {
    for order in [["Add", "Sub"], ["Sub", "Add"]] {
      var builder = GraphBuilder()
      let y = Self.output(&builder, layer)
      let step: Float = layer.type.hasSuffix("Integer") ? 1 : 0.125
      let b = Self.constant(&builder, layer, [9], [1], step: step)
      for type in order { builder.output(builder.node(type, [y, b], name: type)) }
      try Self.expect(
        builder, layer, layer.channels.map { _ in -9...9 }, isExact: true, "\(order)")
    }
  }

  @Test(arguments: layers)
  func
    `nothing counts behind a sum that is subtracted from another way of it, nor behind parts of either sign`(
      _ layer: Layer
    ) throws
  {
    for form in ["Sub", "Neg Concat", "Neg Add", "Concat Concat"] {
      for isLast in [false, true] {
        for negates in [false, true] {
          var builder = GraphBuilder()
          let y = Self.output(&builder, layer)
          let minus = builder.node("Neg", [y], name: "minus")
          var sum: ValueID
          switch form {
          case "Sub": sum = builder.node("Sub", [y, builder.node("Identity", [y])], name: "join")
          case "Neg Add": sum = Self.join(&builder, "Add", isLast ? [y, minus] : [minus, y])
          case "Neg Concat": sum = Self.join(&builder, "Concat", isLast ? [y, minus] : [minus, y])
          default:
            let both = Self.join(&builder, "Concat", [y, minus])
            sum = builder.node(
              "Concat", isLast ? [y, both] : [both, y], [Attribute("axis", .int(0))],
              name: "again")
          }
          if negates { sum = builder.node("Neg", [sum], name: "turned") }
          builder.output(Self.plus(&builder, layer, 3, sum, name: "plus"))
          let obstacle = try builder.layer().obstacle
          if form != "Neg Concat", form != "Concat Concat", layer.type.hasSuffix("Integer") {
            guard case .unknownBias? = obstacle else {
              Issue.record("\(form) of an integer sum with itself")
              continue
            }
          } else {
            #expect(obstacle == .subtractedSum(node: "plus"), "\(form) \(isLast) \(negates)")
          }
        }
      }
    }
  }

  @Test(arguments: layers)
  func `a summand whose type or integers are unknown is refused where integers are summed`(
    _ layer: Layer
  ) throws {
    var builder = GraphBuilder()
    let y = Self.output(&builder, layer)
    builder.output(builder.node("Add", [y, builder.input("b")], name: "sum"))
    let obstacle = try builder.layer().obstacle
    #expect(
      obstacle == (layer.type.hasSuffix("Integer") ? .unknownBias(value: "b") : nil))
  }

  @Test func `a bias that is no int32 tensor is refused where it counts by definition`() throws {
    for form in ["input", "float", "int64"] {
      for type in ["QLinearConv", "QGemm"] {
        var builder = GraphBuilder()
        let isConv = type == "QLinearConv"
        let x = builder.input("x", TensorType(.int8, shape: isConv ? [1, 1, 1, 1] : [1, 1]))
        let w = builder.constant(of: [Int8(1)], isConv ? [1, 1, 1, 1] : [1, 1])
        let (scale, zero) = (builder.constant([1], []), builder.constant(of: [Int8(0)], []))
        let b =
          switch form {
          case "input": builder.input("b")
          case "float": builder.constant([1_048_576], [1], name: "b")
          default: builder.constant(of: [Int64(1) << 40], [1], name: "b")
          }
        builder.output(
          isConv
            ? builder.node(type, [x, scale, zero, w, scale, zero, scale, zero, b])
            : builder.node(
              type, [x, scale, zero, w, scale, zero, b, scale, zero], domain: "com.microsoft"))
        #expect(try builder.layer().obstacle == .unknownBias(value: "b"), "\(form) \(type)")
      }
    }
  }
}
