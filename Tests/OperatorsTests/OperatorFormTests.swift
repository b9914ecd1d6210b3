import Execution
import GraphIR
import TensorCore
import Testing

@testable import Operators

/// What operators state of their parameters, held against the recorded outputs by formulas of plain loops.
@Suite struct OperatorFormTests {
  typealias Case = OperatorConformanceTests.Case

  /// A recorded case with the tensors that its one node reads and gives.
  private struct Recorded {
    let graph: Graph
    let node: Node
    let feeds: [ValueID: Tensor]
    let output: Tensor

    /// `nil` where there are several nodes, or an output without elements.
    init?(_ recorded: Case) throws {
      let (graph, inputs, outputs) = try recorded.load()
      guard graph.nodeIDs.count == 1, let output = outputs.first, output.count > 0 else {
        return nil
      }
      (self.graph, feeds, self.output) = (graph, inputs, output)
      node = graph[graph.nodeIDs[0]]
    }

    func input(_ position: Int) -> Tensor? {
      guard position < node.inputs.count, let value = node.inputs[position] else { return nil }
      return feeds[value] ?? graph[value].constant
    }

    func floats(_ position: Int) -> [Float]? {
      input(position)?.convertedToFloat()?.elements(of: Float.self)
    }

    /// The first output, with other elements in one of the inputs.
    func run(_ position: Int, _ change: (Int, Float) -> Float) throws -> [Float] {
      let (value, old) = (try #require(node.inputs[position]), try #require(input(position)))
      let elements = old.elements(of: Float.self).enumerated().map { change($0.offset, $0.element) }
      var (graph, feeds) = (graph, feeds)
      if feeds[value] == nil {
        graph.setConstant(value, Tensor(elements, shape: old.shape))
      } else {
        feeds[value] = Tensor(elements, shape: old.shape)
      }
      let results = try Session(graph: graph).run(feeds, fetch: [graph.outputs[0]])
      return try #require(results[graph.outputs[0]]).elements(of: Float.self)
    }
  }

  private static func cases(_ types: String...) -> [Case] {
    OperatorConformanceTests.cases.filter { types.contains($0.type) }
  }

  private static func near(_ a: Float, _ b: Double) -> Bool {
    abs(Double(a) - b) <= 1e-4 * max(1, abs(b))
  }

  @Test(arguments: cases("Gemm"))
  func `a product of matrices is what its form says`(_ recorded: Case) throws {
    let given = try #require(try Recorded(recorded))
    let form = try #require(given.node.op.dotProduct)
    guard given.output.elementType == .float32 else { return }
    let (a, b) = (try #require(given.input(0)), try #require(given.input(1)))
    let (x, w) = (a.elements(of: Float.self), b.elements(of: Float.self))
    let (rows, columns) = (given.output.shape[0], given.output.shape[1])
    let inner = form.transposesLeft ? a.shape[0] : a.shape[1]
    let c = form.biasPosition.flatMap { given.input($0) }
    for (index, value) in given.output.elements(of: Float.self).enumerated() {
      let (row, column) = (index / columns, index % columns)
      var sum = 0.0
      for k in 0..<inner {
        let left = form.transposesLeft ? x[k * rows + row] : x[row * inner + k]
        let right = form.transposesRight ? w[column * inner + k] : w[k * columns + column]
        sum += Double(left) * Double(right)
      }
      sum *= Double(form.alpha)
      if let c {
        let shape = [Int](repeating: 1, count: 2 - c.rank) + c.shape
        let place = (shape[0] == 1 ? 0 : row) * shape[1] + (shape[1] == 1 ? 0 : column)
        sum += Double(form.beta) * Double(c.elements(of: Float.self)[place])
      }
      #expect(Self.near(value, sum), "\(row), \(column)")
    }
  }

  @Test(arguments: cases("Conv", "ConvTranspose"))
  func `a convolution keeps apart the groups that its form states`(_ recorded: Case) throws {
    let given = try #require(try Recorded(recorded))
    let form = try #require(given.node.op.dotProduct)
    guard given.output.elementType == .float32, let x = given.input(0), let w = given.input(1)
    else { return }
    let isTransposed = form.kind == .transposedConvolution
    #expect(x.shape[1] == (isTransposed ? w.shape[0] : w.shape[1] * form.groups))
    let channels = isTransposed ? w.shape[1] * form.groups : w.shape[0]
    #expect(given.output.shape[1] == channels)
    if form.groups > 1 {
      let (size, inner) = (x.shape[1], x.shape[2...].reduce(1, *))
      let changed = try given.run(0) { index, value in
        index / inner % size < size / form.groups ? value + 1 : value
      }
      let positions = given.output.shape[2...].reduce(1, *)
      for (index, value) in given.output.elements(of: Float.self).enumerated()
      where index / positions % channels >= channels / form.groups {
        #expect(Self.near(changed[index], Double(value)))
      }
    }
  }

  @Test(arguments: cases("Conv", "ConvTranspose", "Gemm", "MatMul"))
  func `the input at the position of the bias is added`(_ recorded: Case) throws {
    let given = try #require(try Recorded(recorded))
    let form = try #require(given.node.op.dotProduct)
    guard let position = form.biasPosition else {
      #expect(given.node.inputs.count == 2)
      return
    }
    guard given.output.elementType == .float32, given.input(position) != nil else { return }
    let raised = try given.run(position) { $1 + 1 }
    for (index, value) in given.output.elements(of: Float.self).enumerated() {
      #expect(Self.near(raised[index], Double(value) + Double(form.beta)))
    }
  }

  @Test(arguments: cases("BatchNormalization"))
  func `a normalisation is what its form says`(_ recorded: Case) throws {
    let given = try #require(try Recorded(recorded))
    guard let form = given.node.op.channelNormalization else { return }
    typealias Form = ChannelNormalizationForm
    let (factor, shift) = (
      try #require(given.floats(Form.factor)), try #require(given.floats(Form.shift))
    )
    let (mean, variance) = (
      try #require(given.floats(Form.mean)), try #require(given.floats(Form.variance))
    )
    let x = try #require(given.floats(0))
    let shape = given.output.shape
    let inner = shape.dropFirst(2).reduce(1, *)
    for (index, value) in given.output.elements(of: Float.self).enumerated() {
      let c = index / inner % shape[1]
      let root = (Double(variance[c]) + Double(form.epsilon)).squareRoot()
      let wanted = Double(factor[c]) * (Double(x[index]) - Double(mean[c])) / root
      #expect(Self.near(value, wanted + Double(shift[c])))
    }
  }

  @Test(arguments: cases("QuantizeLinear", "DequantizeLinear"))
  func `codes and real numbers are related as the form says`(_ recorded: Case) throws {
    let given = try #require(try Recorded(recorded))
    let form = try #require(given.node.op.linearQuantization)
    let isToCodes = form.direction == .toCodes
    guard let data = given.input(0), let scale = given.input(1), let scales = given.floats(1),
      let codes = (isToCodes ? given.output : data).integers(),
      let reals = (isToCodes ? data : given.output).convertedToFloat()?.elements(of: Float.self)
    else { return }
    let limits = try #require(IntegerCodec((isToCodes ? given.output : data).elementType)).limits
    let zeros = given.input(2)?.integers()
    let axis = form.axis < 0 ? form.axis + data.rank : form.axis
    for index in codes.indices {
      var entry = 0
      if scale.count > 1 {
        let inner = data.shape[(axis + 1)...].reduce(1, *)
        let along = index / inner % data.shape[axis]
        let outer = index / inner / data.shape[axis]
        entry =
          form.blockSize == 0
          ? along : (outer * scale.shape[axis] + along / form.blockSize) * inner + index % inner
      }
      let steps = Double(codes[index] - (zeros?[zeros?.count == 1 ? 0 : entry] ?? 0))
      let real = steps * Double(scales[entry])
      if isToCodes {
        let distance = Double(reals[index]) - real
        let isSaturated = codes[index] == (distance > 0 ? limits.upperBound : limits.lowerBound)
        #expect(abs(distance) <= 0.5001 * Double(scales[entry]) || isSaturated)
      } else {
        #expect(Self.near(reals[index], real))
      }
    }
  }
}
