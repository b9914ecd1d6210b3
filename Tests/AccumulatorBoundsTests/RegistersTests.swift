import TensorCore
import Testing

@testable import AccumulatorBounds

@Suite struct RegistersTests {
  @Test(arguments: Registers.named)
  func `a description reads back from its JSON`(_ registers: Registers) throws {
    #expect(try Registers(json: JSONValue(parsing: registers.json.text())) == registers)
    #expect(registers.description == registers.name)
  }

  @Test(
    arguments: [
      #"{"name": "a", "stages": []}"#,
      #"{"name": "a", "stages": [{"bits": 1, "overflow": "wrap"}]}"#,
      #"{"name": "a", "stages": [{"bits": 16, "overflow": "round"}]}"#,
      #"{"name": "a", "stages": [{"bits": 16}]}"#,
      #"{"name": "a", "stages": [{"length": 2, "bits": 16, "overflow": "wrap"}]}"#,
      #"{"name": "a", "stages": [{"bits": 16, "overflow": "wrap"}, {"bits": 32, "overflow": "wrap"}]}"#,
      #"{"name": "a", "stages": [{"length": 0, "bits": 16, "overflow": "wrap"}, {"bits": 32, "overflow": "wrap"}]}"#,
      #"{"name": "a", "stages": [{"length": 2, "bits": 16, "overflow": "wrap"}, {"overflow": "wrap"}]}"#,
      #"{"name": "a", "stages": [{"length": 2, "bits": 16, "overflow": "wrap", "products": ["any", "any"]}, {"bits": 32, "overflow": "wrap"}]}"#,
      #"{"name": "a", "stages": [{"length": 2, "bits": 16, "overflow": "wrap", "products": "last"}, {"bits": 32, "overflow": "wrap"}]}"#,
      #"{"name": "a", "operands": "u8s8", "stages": [{"length": 2, "bits": 16, "overflow": "wrap"}, {"bits": 32, "overflow": "saturate"}]}"#,
      #"{"name": "a", "operands": "u8u8", "stages": [{"bits": 16, "overflow": "wrap"}]}"#,
      #"{"name": "a", "width": 16, "stages": [{"bits": 16, "overflow": "wrap"}]}"#,
      #"{"stages": [{"bits": 16, "overflow": "wrap"}]}"#, #"[]"#,
    ])
  func `what describes no registers is refused`(_ text: String) throws {
    let json = try JSONValue(parsing: text)
    #expect(throws: RegistersError.self) { try Registers(json: json) }
  }

  @Test(
    arguments: [[.channelsLast], [.withinPosition], [.channelsLast, .withinPosition]]
      as [[ProductOrder]])
  func `runs hold each product once for each order that asks for more`(_ orders: [ProductOrder])
    throws
  {
    for (channels, positions) in [(3, 4), (4, 2), (1, 5), (6, 1)] {
      let runs = ProductRuns(orders, size: 2, channels: channels, positions: positions)
      let all = Array(0..<channels * positions)
      #expect(runs.runs.flatMap { $0 }.count == all.count * runs.memberships.count)
      for membership in runs.memberships {
        let held = all.filter { position in
          runs.runs[membership[position]].contains(position)
        }
        #expect(held == all)
      }
      // Even channels and single ones give pairs of the one kind that hold those of the other.
      #expect(
        runs.memberships.count == (orders.count == 2 && channels == 3 ? 2 : 1), "\(channels)")
    }
  }

  @Test func `three channels of two positions pair as im2col and as padded channels do`() {
    let last = ProductRuns([.channelsLast], size: 2, channels: 3, positions: 2)
    #expect(last.runs == [[0, 2], [4, 1], [3, 5]])
    let within = ProductRuns([.withinPosition], size: 2, channels: 3, positions: 2)
    #expect(within.runs == [[0, 2], [4], [1, 3], [5]])
  }

  @Test(arguments: [[.channelsLast, .withinPosition], [.channelsLast]] as [[ProductOrder]])
  func `a budget takes the weights whose every run fits`(_ orders: [ProductOrder]) throws {
    let runs = ProductRuns(orders, size: 2, channels: 3, positions: 2)
    let tiling = try #require(Tiling(size: 2, outerBits: 8, orders: orders))
    let range = try #require(IntegerRange(0, 3))
    let accumulator = try #require(AccumulatorRange(bits: 4))
    let budget = try #require(
      AccumulatorBudget(input: range, accumulator: accumulator, tiling: tiling, runs: runs))
    var fitting = 0
    for code in 0..<729 {
      let weights = (0..<6).map { place in code / [1, 3, 9, 27, 81, 243][place] % 3 - 1 }
      let fits = runs.runs.allSatisfy { run in
        let up = run.reduce(0) { $0 + max(weights[$1], 0) }
        let down = run.reduce(0) { $0 + max(-weights[$1], 0) }
        return 3 * up <= 7 && 3 * down <= 8
      }
      #expect(budget.check(weights) == fits)
      fitting += fits ? 1 : 0
    }
    // Pairs of 2 fit: each weight has a magnitude of at most 1.
    #expect(fitting == 729)
    #expect(!budget.check([2, 0, 1, 0, 0, 0]) && !budget.check([0, 1, 0, 0, 2, 0]))
    #expect(budget.check([0, 2, 0, 1, 0, 0]) == !orders.contains(.withinPosition))
  }

  @Test func `an annotation states the order and the operands of its tiles`() throws {
    let tiling = try #require(
      Tiling(
        size: 2, outerBits: 32, orders: [.channelsLast, .withinPosition], operands: .unsignedBytes))
    let entry = AccumulatorAnnotation(
      layer: "a", output: "b", weight: "w", targetBits: 16, requiredBits: 16, inputBits: 8,
      inputSigned: false, method: "exact", tiling: tiling)
    let text = AccumulatorAnnotation.encode([entry])
    #expect(try AccumulatorAnnotation.decode(text) == [entry])
    for wrong in [
      text.replacing("within-position", with: "inside"), text.replacing("u8s8", with: "u8u8"),
      text.replacing(#""outer_bits":32,"#, with: ""),
    ] {
      #expect(throws: AnnotationError.self, "\(wrong)") { try AccumulatorAnnotation.decode(wrong) }
    }
  }

  @Test func `any products need the farthest of each sign`() throws {
    let range = try #require(IntegerRange(-2, 3))
    let worst = WorstCase(ofAny: 2, in: [5, -4, 1, 3, -7], input: range)
    // Upwards 5 x 3, -7 x -2; downwards -7 x 3, -4 x 3.
    #expect(worst.maximum == 29 && worst.minimum == -33)
  }
}
