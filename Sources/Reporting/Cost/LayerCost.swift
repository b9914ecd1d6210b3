import TensorCore
import Verification

/// What a layer costs in hardware, as far as its integers decide it.
public struct LayerCost: Sendable, Hashable {
  public var name: String
  /// Products for one sample.
  public var products: Int?
  /// Products by the bits of both factors, and additions by those of the accumulator.
  public var bitOperations: Int?
  /// Bytes of the weights' integers, packed.
  public var weightBytes: Int?
  /// LUTs of FINN's matrix-vector unit (``MatrixVectorUnit``), with one product a cycle.
  public var luts: Int?

  /// - Parameter outputCount: the elements of the layer's output for one sample; `nil` where it is unknown.
  init(_ verdict: LayerVerdict, outputCount: Int?) {
    let layer = verdict.layer
    name = layer.name
    if let count = outputCount, let length = layer.dotLength {
      let (product, overflow) = count.multipliedReportingOverflow(by: length)
      products = overflow ? nil : product
    }
    let accumulator = verdict.targetBits ?? verdict.requiredBits
    guard let weight = layer.weight, let input = layer.input, layer.isQuantized else { return }
    weightBytes = (weight.elementCount * weight.bits + 7) / 8
    guard let accumulator else { return }
    bitOperations = products.flatMap {
      let (total, overflow) = $0.multipliedReportingOverflow(
        by: weight.bits * input.bits + accumulator)
      return overflow ? nil : total
    }
    if let length = layer.dotLength, length > 0 {
      luts =
        MatrixVectorUnit(
          rows: layer.channels.count, columns: length, weightBits: weight.bits,
          // FINN gives each layer the width that its weights need.
          inputBits: input.bits, accumulatorBits: verdict.requiredBits ?? accumulator,
          outputBits: layer.outputBits
        ).luts
    }
  }
}

/// A matrix-vector unit of FINN with one processing element and one lane, whose weights and thresholds lie in LUTs.
///
/// The estimate is that of FINN's own `lut_estimation` (FINN-R, arXiv 1809.04570, section 4.2, with constants from its
/// experiments): products, the adder behind them, the accumulator, a comparator for each threshold, and the memories.
struct MatrixVectorUnit {
  /// Output channels.
  var rows: Int
  /// Products of a sum.
  var columns: Int
  var weightBits: Int
  var inputBits: Int
  var accumulatorBits: Int
  /// Of the thresholds' results; `nil` where the unit has none.
  var outputBits: Int?

  /// Words of a memory in LUTs.
  private static let memoryDepth = 64

  var luts: Int {
    let operand = weightBits + inputBits
    let product = (2 * Self.blocks(operand, of: 6) - 1) * operand
    var perElement = product + operand + accumulatorBits
    if let outputBits, outputBits < 16 {
      let thresholds = (1 << outputBits) - 1
      perElement +=
        thresholds * accumulatorBits * (Self.blocks(rows, of: Self.memoryDepth) + 1)
    }
    let weights = weightBits * Self.blocks(rows * columns, of: Self.memoryDepth)
    return Int(300 + 1.1 * Double(perElement)) + weights
  }

  private static func blocks(_ count: Int, of size: Int) -> Int { (count + size - 1) / size }
}

/// What a model costs.
public struct ModelCost: Sendable, Hashable {
  public var layers: [LayerCost]

  /// - Parameter outputCounts: the elements for one sample of values, by their names.
  init(_ layers: [LayerVerdict], outputCounts: [String: Int]) {
    self.layers = layers.map { LayerCost($0, outputCount: outputCounts[$0.layer.output]) }
  }

  /// The sum of a cost over all layers; `nil` where one of them has none.
  public func total(_ cost: KeyPath<LayerCost, Int?>) -> Int? {
    layers.reduce(into: layers.isEmpty ? nil : 0) { sum, layer in
      sum = sum.flatMap { sum in layer[keyPath: cost].map { sum + $0 } }
    }
  }
}

extension ModelCost {
  /// The member `cost` of `inspect --json`.
  var json: JSONValue {
    func number(_ value: Int?) -> JSONValue { value.map { JSONValue($0) } ?? .null }
    func members(_ value: (KeyPath<LayerCost, Int?>) -> Int?) -> [JSONMember] {
      [
        JSONMember("products", number(value(\.products))),
        JSONMember("bit_operations", number(value(\.bitOperations))),
        JSONMember("weight_bytes", number(value(\.weightBytes))),
        JSONMember("finn_luts", number(value(\.luts))),
      ]
    }
    return .object(
      members(total) + [
        JSONMember(
          "layers",
          .array(
            layers.map { layer in
              .object([JSONMember("name", .string(layer.name))] + members { layer[keyPath: $0] })
            }))
      ])
  }

  /// The totals in one sentence; `nil` where nothing is known.
  var sentence: String? {
    var parts: [String] = []
    if let products = total(\.products) { parts.append("\(Figures.short(products)) products") }
    if let operations = total(\.bitOperations) {
      parts.append("\(Figures.short(operations)) bit operations")
    }
    if let bytes = total(\.weightBytes) {
      parts.append("\(Figures.short(bytes)) bytes of weights")
    }
    if let luts = total(\.luts) {
      parts.append("about \(Figures.short(luts)) LUTs in FINN's units")
    }
    return parts.isEmpty ? nil : "For one sample: \(parts.joined(separator: ", "))."
  }
}

extension Figures {
  /// A count with three significant digits and a letter for its size.
  static func short(_ count: Int) -> String {
    let units: [(Double, String)] = [(1e12, " T"), (1e9, " G"), (1e6, " M"), (1e3, " k")]
    for (size, letter) in units where Double(count) >= size {
      return significant(Float(Double(count) / size)) + letter
    }
    return "\(count)"
  }
}
