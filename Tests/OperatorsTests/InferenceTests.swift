import GraphIR
import TensorCore
import Testing

@testable import Operators

@Suite struct InferenceTests {
  static let batch = Dimension.symbolic("batch")

  static func float(_ dimensions: [Dimension]?) -> InputInfo {
    InputInfo(type: TensorType(.float32, dimensions))
  }

  static func constant(_ values: [Int64]) -> InputInfo {
    let tensor = Tensor(values, shape: [values.count])
    return InputInfo(type: tensor.type, constant: tensor)
  }

  static func output(_ op: any Operator, _ inputs: [InputInfo?]) throws -> [Dimension]? {
    try op.inferChecked(inputs)[0]?.dimensions
  }

  @Test func `a symbolic batch passes through Reshape and Flatten`() throws {
    let x = Self.float([Self.batch, 64, 1, 1])
    #expect(try Self.output(Flatten(), [x]) == [Self.batch, 64])
    #expect(try Self.output(Reshape(), [x, Self.constant([-1, 64])]) == [Self.batch, 64])
    #expect(try Self.output(Reshape(), [x, Self.constant([0, -1])]) == [Self.batch, 64])
    #expect(try Self.output(Reshape(), [x, Self.constant([0, 8, 8])]) == [Self.batch, 8, 8])
  }

  @Test func `a reshape that changes the number of elements is refused`() {
    let x = Self.float([2, 6])
    #expect(throws: OperatorError.self) {
      try Self.output(Reshape(), [x, Self.constant([5, -1])])
    }
    #expect(throws: OperatorError.self) { try Self.output(Reshape(), [x, Self.constant([3, 5])]) }
    #expect(throws: OperatorError.self) {
      try Self.output(Reshape(), [x, Self.constant([-1, -1])])
    }
    #expect(throws: OperatorError.self) {
      try Self.output(Reshape(), [x, Self.constant([-2, 3])])
    }
    #expect(throws: OperatorError.self) {
      try Self.output(Reshape(), [x, Self.constant([.max, .max, 4])])
    }
  }

  @Test func `a same convolution keeps symbolic space and a strided one doesn't`() throws {
    let x = Self.float([Self.batch, 3, .symbolic("height"), 32])
    let w = Self.float([16, 3, 3, 3])
    let same = Conv(window: SlidingWindow(pads: [1, 1, 1, 1]))
    #expect(try Self.output(same, [x, w]) == [Self.batch, 16, .symbolic("height"), 32])
    let strided = Conv(window: SlidingWindow(strides: [2, 2], pads: [1, 1, 1, 1]))
    #expect(try Self.output(strided, [x, w]) == [Self.batch, 16, .unknown, 16])
    let automatic = Conv(window: SlidingWindow(strides: [2, 2], autoPadding: .sameUpper))
    #expect(try Self.output(automatic, [Self.float([1, 3, 33, 32]), w]) == [1, 16, 17, 16])
  }

  @Test func `a convolution refuses channels that don't fit its weight`() {
    let x = Self.float([1, 4, 8, 8])
    #expect(throws: OperatorError.self) { try Self.output(Conv(), [x, Self.float([8, 3, 3, 3])]) }
    #expect(throws: OperatorError.self) {
      try Self.output(Conv(group: 3), [x, Self.float([8, 1, 3, 3])])
    }
    #expect(throws: OperatorError.self) { try Self.output(Conv(), [x, Self.float([8, 4, 9, 9])]) }
    #expect(throws: OperatorError.self) { try Self.output(Conv(), [x, Self.float([8, 4, 3])]) }
  }

  @Test func `dimensions near the integer limit throw instead of overflowing`() {
    let huge = Dimension.fixed(.max)
    let w = Self.float([1, 1, 3, 3])
    #expect(throws: OperatorError.self) {
      try Self.output(Conv(), [Self.float([1, 1, huge, huge]), w])
    }
    #expect(throws: OperatorError.self) {
      try Self.output(Flatten(axis: 0), [Self.float([huge, huge])])
    }
    #expect(throws: OperatorError.self) {
      try Self.output(Concat(axis: 0), [Self.float([huge]), Self.float([huge])])
    }
    #expect(throws: OperatorError.self) {
      try Self.output(ConvTranspose(), [Self.float([1, 1, huge, 2]), w])
    }
    #expect(throws: OperatorError.self) {
      try Self.output(DepthToSpace(blockSize: 2), [Self.float([1, 4, huge, 2])])
    }
    #expect(throws: OperatorError.self) {
      try Self.output(Pad(), [Self.float([huge]), Self.constant([1, .max])])
    }
  }

  @Test func `broadcasting joins symbolic and fixed dimensions`() throws {
    let a = Self.float([Self.batch, 8, 1])
    #expect(try Self.output(Add(), [a, Self.float([8, 5])]) == [Self.batch, 8, 5])
    #expect(try Self.output(Add(), [a, Self.float([])]) == [Self.batch, 8, 1])
    #expect(try Self.output(Add(), [a, Self.float([.symbolic("n"), 1, 1])]) == [.unknown, 8, 1])
    #expect(throws: OperatorError.self) { try Self.output(Add(), [a, Self.float([7, 5])]) }
  }

  @Test func `axes are an attribute before opset 13 and an input since`() throws {
    let old = try Squeeze(attributes: AttributeReader([Attribute("axes", .ints([1]))], opset: 11))
    #expect(try Self.output(old, [Self.float([Self.batch, 1, 4])]) == [Self.batch, 4])
    let new = try Squeeze(attributes: AttributeReader([], opset: 13))
    let inputs = [Self.float([Self.batch, 1, 4]), Self.constant([-2])]
    #expect(try Self.output(new, inputs) == [Self.batch, 4])
    #expect(throws: OperatorError.self) {
      try Self.output(new, [Self.float([2, 3]), Self.constant([1])])
    }
    let unsqueeze = try Unsqueeze(attributes: AttributeReader([], opset: 13))
    #expect(
      try Self.output(unsqueeze, [Self.float([Self.batch, 4]), Self.constant([0, -1])])
        == [1, Self.batch, 4, 1])
  }

  @Test(arguments: [
    (0, Int(Int64.max), 1, [0, 1, 2, 3, 4]), (-2, Int(Int64.max), 1, [3, 4]),
    (Int(Int64.max), Int(Int64.min), -1, [4, 3, 2, 1, 0]), (3, 1, -1, [3, 2]), (4, 2, 1, []),
    (0, 5, 2, [0, 2, 4]), (-100, 2, 1, [0, 1]), (3, -100, -2, [3, 1]),
  ])
  func `a slice is clamped as the standard says`(
    _ start: Int, _ end: Int, _ step: Int, _ expected: [Int]
  ) {
    let parameters = Slice.Parameters(starts: [start], ends: [end], axes: [0], steps: [step])
    let range = parameters.range(0, size: 5)
    #expect((0..<range.count).map { range.start + $0 * range.step } == expected)
  }

  @Test func `pooling rounds up only to windows that start inside`() throws {
    let window = SlidingWindow(kernelShape: [2], strides: [2], pads: [0, 0])
    let x = Self.float([1, 1, 5])
    #expect(try Self.output(MaxPool(window: window), [x]) == [1, 1, 2])
    #expect(try Self.output(MaxPool(window: window, roundsUp: true), [x]) == [1, 1, 3])
    let padded = SlidingWindow(kernelShape: [1], strides: [2], pads: [0, 1])
    #expect(
      try Self.output(MaxPool(window: padded, roundsUp: true), [Self.float([1, 1, 4])])
        == [1, 1, 2])
  }

  @Test func `element types are checked by the schema`() {
    let ids = InputInfo(type: TensorType(.int64, shape: [2, 3]))
    #expect(throws: OperatorError.self) { try Self.output(Sigmoid(), [ids]) }
    #expect(throws: OperatorError.arity(what: "inputs", expected: 2...2, actual: 1)) {
      try Self.output(Add(), [ids])
    }
  }
}
