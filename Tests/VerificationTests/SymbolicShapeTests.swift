import GraphIR
import TensorCore
import TestSupport
import Testing

@testable import Verification

/// The length of a product of two activations whose batch and sequence are open, as in attention.
@Suite struct SymbolicShapeTests {
  /// One element of the shape that both operands are given.
  enum Element: String, CaseIterable {
    case batch, sequence, copied, rest, heads, size
  }

  /// `MatMul(Q, K^T)` with Q and K of `x`: (b, t, 48), reshaped to a target and transposed.
  struct Attention {
    var builder = GraphBuilder()
    let x: ValueID
    let quantized: ValueID

    init(_ dimensions: [Dimension] = [.symbolic("b"), .symbolic("t"), 48]) {
      x = builder.input("x", TensorType(.float32, dimensions))
      quantized = builder.quant(x, bits: 4, signed: true)
    }

    mutating func vector(_ values: Int...) -> ValueID {
      builder.constant(of: values.map { Int64($0) }, [values.count])
    }

    /// The size of one axis as a vector, as exporters compute it.
    mutating func size(of value: ValueID, _ axis: Int) -> ValueID {
      let shape = builder.node("Shape", [value])
      let index = builder.constant(of: [Int64(axis)], [])
      return builder.node("Unsqueeze", [builder.node("Gather", [shape, index]), vector(0)])
    }

    mutating func concatenated(_ parts: [ValueID?]) -> ValueID {
      builder.node("Concat", parts, [Attribute("axis", .int(0))])
    }

    mutating func target(_ elements: [Element]) -> ValueID {
      let parts = elements.map { element in
        switch element {
        case .batch: size(of: quantized, 0)
        case .sequence: size(of: quantized, 1)
        case .copied: vector(0)
        case .rest: vector(-1)
        case .heads: vector(3)
        case .size: vector(16)
        }
      }
      return concatenated(parts)
    }

    /// The verifier's reading of the product of the two operands under the target.
    mutating func layer(_ target: ValueID, allowZero: Bool = false) throws -> LayerAnalysis {
      let operands = [[0, 2, 1, 3], [0, 2, 3, 1]].map { (order: [Int64]) in
        let reshaped = builder.node(
          "Reshape", [quantized, target], allowZero ? [Attribute("allowzero", .int(1))] : [])
        return builder.node("Transpose", [reshaped], [Attribute("perm", .ints(order))])
      }
      builder.output(builder.node("MatMul", operands))
      return try builder.layer()
    }
  }

  static let targets: [[Element]] = [Element.batch, .copied].flatMap { batch in
    [Element.sequence, .copied, .rest].flatMap { sequence in
      [Element.size, .rest].map { [batch, sequence, .heads, $0] }
    }
  }

  @Test(arguments: targets) func `the length behind a target of open sizes is proved`(
    elements: [Element]
  ) throws {
    var attention = Attention()
    let target = attention.target(elements)
    let layer = try attention.layer(target)
    if elements.filter({ $0 == .rest }).count == 2 {
      #expect(layer.dotLength == nil)
      return
    }
    #expect(layer.dotLength == 16)
    // 16 products of -8...7 with -8...7 are at most 16 * 64 = 1024.
    #expect(layer.requiredBits == 12)
  }

  @Test func `the size of another value doesn't cancel, whatever its symbol`() throws {
    for symbol in ["b", "other"] {
      var attention = Attention()
      let other = attention.builder.input("z", TensorType(.float32, [.symbolic(symbol), 48]))
      let batch = attention.size(of: other, 0)
      let sequence = attention.size(of: attention.quantized, 1)
      let target = attention.concatenated([
        batch, sequence, attention.vector(3), attention.vector(-1),
      ])
      let layer = try attention.layer(target)
      #expect(layer.dotLength == nil)
      guard case .unknownDotLength(_, let open?)? = layer.obstacle else {
        Issue.record("\(String(describing: layer.obstacle))")
        return
      }
      #expect(!open.isInput)
    }
  }

  @Test func `two equal symbols of one input may be two sizes`() throws {
    var attention = Attention([.symbolic("n"), .symbolic("n"), 48])
    let target = attention.target([.sequence, .sequence, .heads, .rest])
    #expect(try attention.layer(target).dotLength == nil)
  }

  @Test func `a target that depends on data tells what its constant elements do`() throws {
    var whole = Attention()
    let fed = whole.builder.input("shape", TensorType(.int64, shape: [4]))
    #expect(try whole.layer(fed).dotLength == nil)

    for (size, length) in [(16, 16), (-1, nil)] as [(Int, Int?)] {
      var part = Attention()
      let count = part.builder.input("count", TensorType(.int64, shape: [1]))
      let target = part.concatenated([
        count, part.size(of: part.quantized, 1), part.vector(3), part.vector(size),
      ])
      #expect(try part.layer(target).dotLength == length)
    }
  }

  @Test func `what a file states about a computed value is no size`() throws {
    var attention = Attention()
    let stated = attention.builder.node(
      "NonZero", [attention.x], type: TensorType(.int64, [3, 48]))
    let target = attention.concatenated([
      attention.size(of: stated, 1), attention.vector(-1), attention.vector(3),
      attention.size(of: stated, 1),
    ])
    #expect(try attention.layer(target).dotLength == nil)
  }

  @Test func `a size that may be 0 doesn't cancel`() throws {
    // x[:, :n] may be empty, so that (b, s, 48) to (b, s, 3, -1) may have any last dimension.
    var attention = Attention()
    let end = attention.builder.input("n", TensorType(.int64, shape: [1]))
    let cut = attention.builder.node(
      "Slice", [attention.quantized, attention.vector(0), end, attention.vector(1)])
    let target = attention.concatenated([
      attention.size(of: cut, 0), attention.size(of: cut, 1), attention.vector(3),
      attention.vector(-1),
    ])
    let operands = [[0, 2, 1, 3], [0, 2, 3, 1]].map { (order: [Int64]) in
      attention.builder.node(
        "Transpose", [attention.builder.node("Reshape", [cut, target])],
        [Attribute("perm", .ints(order))])
    }
    attention.builder.output(attention.builder.node("MatMul", operands))
    #expect(try attention.builder.layer().dotLength == nil)
  }

  @Test func `negative elements are no sizes`() throws {
    for element in [-2, Int.min] {
      var attention = Attention()
      let target = attention.concatenated([
        attention.size(of: attention.quantized, 0), attention.vector(-1), attention.vector(3),
        attention.vector(element),
      ])
      #expect(try attention.layer(target).dotLength == nil)
    }
  }

  @Test func `a length is found behind cuts and repetitions of other axes`() throws {
    var attention = Attention()
    let target = attention.target([.batch, .sequence, .heads, .rest])
    let reshaped = attention.builder.node("Reshape", [attention.quantized, target])
    // The first n positions, then one more axis for groups of heads, repeated.
    let end = attention.builder.input("n", TensorType(.int64, shape: [1]))
    let cut = attention.builder.node(
      "Slice", [reshaped, attention.vector(0), end, attention.vector(1)])
    let group = attention.builder.node("Unsqueeze", [cut, attention.vector(3)])
    let minus = attention.builder.node(
      "ConstantOfShape", [attention.vector(5)],
      [Attribute("value", .tensor(Tensor([Int64(-1)], shape: [1])))])
    let asked = attention.concatenated([
      attention.size(of: attention.quantized, 0), attention.vector(-1), attention.vector(3),
      attention.vector(2), attention.vector(-1),
    ])
    let one = attention.vector(1)
    let sizes = attention.builder.node(
      "Where", [attention.builder.node("Equal", [asked, minus]), one, asked])
    let repeated = attention.builder.node("Expand", [group, sizes])
    let right = attention.builder.node(
      "Transpose", [repeated], [Attribute("perm", .ints([0, 2, 3, 4, 1]))])
    let left = attention.builder.node(
      "Transpose", [repeated], [Attribute("perm", .ints([0, 2, 3, 1, 4]))])
    attention.builder.output(attention.builder.node("MatMul", [left, right]))
    #expect(try attention.builder.layer().dotLength == 16)
  }

  @Test(arguments: [(Float(3), 16), (5, nil), (0, nil), (2.5, nil), (0.5, nil)] as [(Float, Int?)])
  func `a width divided in floats is known where the quotient is whole`(
    divisor: Float, length: Int?
  ) throws {
    for type in [ElementType.float32, .float64] {
      var attention = Attention()
      let shape = attention.builder.node("Shape", [attention.quantized])
      func cast(_ value: ValueID, _ type: ElementType) -> ValueID {
        attention.builder.node("Cast", [value], [Attribute("to", .int(Int64(type.rawValue)))])
      }
      let width = attention.builder.node("Gather", [shape, attention.vector(2)])
      let by =
        type == .float32
        ? attention.builder.constant([divisor], [1])
        : attention.builder.constant(of: [Double(divisor)], [1])
      let quotient = attention.builder.node("Div", [cast(width, type), by])
      let size = cast(attention.builder.node("Floor", [quotient]), .int64)
      let batch = attention.size(of: attention.quantized, 0)
      let target = attention.concatenated([batch, attention.vector(-1), attention.vector(3), size])
      #expect(try attention.layer(target).dotLength == length)
    }
  }

  @Test func `an open size may not survive a narrower type`() throws {
    for type in [ElementType.int32, .float32, .int8] {
      var attention = Attention()
      let batch = attention.builder.node(
        "Cast", [attention.size(of: attention.quantized, 0)],
        [Attribute("to", .int(Int64(type.rawValue)))])
      let again = attention.builder.node(
        "Cast", [batch], [Attribute("to", .int(Int64(ElementType.int64.rawValue)))])
      let rows = attention.size(of: attention.quantized, 1)
      let target = attention.concatenated([
        again, rows, attention.vector(3), attention.vector(-1),
      ])
      #expect(try attention.layer(target).dotLength == nil)
    }
  }

  @Test func `a double that single precision would round is no whole number`() {
    let tensor = Tensor([3.0000000001, 16_777_217, 3, -0.0, .nan], shape: [5])
    #expect(ShapeArithmetic.elements(of: tensor) == [.unknown, .unknown, 3, 0, .unknown])
  }

  @Test func `an open length names the dimension to fix`() throws {
    var builder = GraphBuilder()
    let x = builder.input("x", TensorType(.float32, [.symbolic("b"), 3, .symbolic("t")]))
    let left = builder.quant(x, bits: 4, signed: true)
    let right = builder.node("Transpose", [left], [Attribute("perm", .ints([0, 2, 1]))])
    builder.output(builder.node("MatMul", [left, right]))
    let obstacle = try builder.layer().obstacle
    #expect(
      obstacle.map { "\($0)" }
        == "the length of its dot product is unknown: it depends on dimension 2 of input 'x', which is open; fix it with --shape x=..."
    )
  }

  // MARK: By exhaustion

  /// Sizes of a run: of `x` (3 axes), and of two others, of which the second may be empty.
  struct Run {
    var x: [Int]
    var other: Int
    var empty: Int
    var unknown: Int

    static let all: [Run] = [1, 2].flatMap { b in
      [1, 3].flatMap { t in
        [0, 3].flatMap { empty in
          [-1, 0, 6].map { Run(x: [b, t, 6], other: 2, empty: empty, unknown: $0) }
        }
      }
    }

    func value(_ size: Size, _ names: [Size.Name]) -> Int {
      switch size {
      case .known(let number): return number
      case .unknown: return unknown
      case .named(let name):
        return [x[0], x[1], other, empty][names.firstIndex(of: name) ?? 0]
      }
    }
  }

  /// - Parameter second: which of the names the second axis of the input has: another one than the first, one that may be
  ///   0, or the same one.
  @Test(arguments: [1, 3, 0]) func `what is claimed of a reshape holds for all sizes`(
    second axis: Int
  ) throws {
    var builder = GraphBuilder()
    let x = builder.input("x", TensorType(.float32, [.symbolic("b"), .symbolic("b"), 6]))
    let z = builder.input("z", TensorType(.float32, [.symbolic("b"), 2]))
    let names = [
      Size.Name(value: x, axis: 0, isPositive: true),
      Size.Name(value: x, axis: 1, isPositive: true),
      Size.Name(value: z, axis: 0, isPositive: true),
      Size.Name(value: z, axis: 1, isPositive: false),
    ]
    let target = builder.input("target", TensorType(.int64, shape: [3]))
    var claims = 0
    for allowZero in [false, true] {
      let node = builder.graph.addNode(
        OpaqueOperator(
          domain: "", type: "Reshape",
          attributes: allowZero ? [Attribute("allowzero", .int(1))] : []),
        name: "reshape", inputs: [x, target], outputs: [builder.graph.addValue(name: "y")])
      let choices = names.map { Size.named($0) } + [0, -1, 2, 6, .unknown]
      for first in choices {
        for second in choices {
          for third in choices {
            let elements = [first, second, third]
            let table = FactTable(graph: builder.graph)
            table.set(target, type: .int64, shape: [3], vector: elements)
            table.set(
              x, type: .float32, shape: [.named(names[0]), .named(names[axis]), 6], vector: nil)
            let context = NodeContext(
              graph: builder.graph, node: builder.graph[node], opset: 18, facts: table)
            guard let shape = ShapeRules.reshape(context, 0) else { continue }
            for run in Run.all {
              let sizes = elements.map { run.value($0, names) }
              let source = [run.x[0], run.value(.named(names[axis]), names), 6]
              guard let actual = Self.reshaped(source, sizes, allowZero: allowZero) else {
                continue
              }
              for (claim, size) in zip(shape, actual) where claim != .unknown {
                claims += 1
                if run.value(claim, names) != size {
                  Issue.record("\(elements) of \(run): \(shape), not \(actual)")
                  return
                }
              }
              if shape.count != actual.count { Issue.record("\(shape)") }
            }
          }
        }
      }
    }
    #expect(claims > 10_000)
  }

  /// The shape that a tensor is given, by the standard; `nil` where it can't be.
  private static func reshaped(_ shape: [Int], _ target: [Int], allowZero: Bool) -> [Int]? {
    var result = target
    for axis in result.indices where result[axis] == 0 && !allowZero { result[axis] = shape[axis] }
    let total = shape.reduce(1, *)
    if let open = result.firstIndex(of: -1) {
      result[open] = 1
      let others = result.reduce(1, *)
      // Of nothing any number of rows can be made; a runtime may choose 0 or 1, or refuse.
      guard others != 0 else { return nil }
      guard total % others == 0 else { return nil }
      result[open] = total / others
    }
    return result.allSatisfy({ $0 >= 0 }) && result.reduce(1, *) == total ? result : nil
  }

  @Test(arguments: ["Add", "Sub", "Mul", "Div", "Equal"])
  func `what is claimed of arithmetic on sizes holds for all sizes`(_ type: String) throws {
    var builder = GraphBuilder()
    let x = builder.input("x", TensorType(.float32, [.symbolic("b"), .symbolic("b"), 6]))
    let z = builder.input("z", TensorType(.float32, [.symbolic("b"), 2]))
    let names = [
      Size.Name(value: x, axis: 0, isPositive: true),
      Size.Name(value: x, axis: 1, isPositive: true),
      Size.Name(value: z, axis: 0, isPositive: true),
      Size.Name(value: z, axis: 1, isPositive: false),
    ]
    let sides = ["a", "b"].map { builder.input($0, TensorType(.int64, shape: [1])) }
    let output = builder.node(type, sides)
    let node = try #require(builder.graph.producer(of: output))
    let choices = names.map { Size.named($0) } + [0, -1, 1, 2, .unknown]
    var claims = 0
    for a in choices {
      for b in choices {
        let table = FactTable(graph: builder.graph)
        for (id, size) in zip(sides, [a, b]) {
          table.set(id, type: .int64, shape: [1], vector: [size])
        }
        let context = NodeContext(graph: builder.graph, node: node, opset: 18, facts: table)
        let vector = try #require(ShapeArithmetic.vector(context, shape: [1]))
        guard vector[0] != .unknown else { continue }
        for run in Run.all {
          let (left, right) = (run.value(a, names), run.value(b, names))
          if type == "Div", right == 0 { continue }
          let actual =
            switch type {
            case "Add": left + right
            case "Sub": left - right
            case "Mul": left * right
            case "Div": left / right
            default: left == right ? 1 : 0
            }
          claims += 1
          if run.value(vector[0], names) != actual { Issue.record("\(a), \(b) of \(run)") }
        }
      }
    }
    #expect(claims > 100)
  }
}
