import GraphIR

/// Compares the `finn_datatype` of each quantizer's output with the data type that the quantizer gives.
///
/// Consumers of the file size their hardware by it, so a false one voids what is proved about the integers.
enum QuantizerAnnotationCheck {
  static func run(_ graph: Graph, _ facts: FactTable) -> [ModelFinding] {
    graph.nodeIDs.compactMap { id in
      let node = graph[id]
      guard OperatorTable.quantizerDomains.contains(node.op.domain),
        let output = node.outputs.first.flatMap({ $0 }),
        let stated = FinnDatatype(graph[output].annotations)
      else { return nil }
      let codes: CodeRange
      switch facts[output] {
      case .grid(let grid): codes = CodeRange(bits: grid.bits, signed: grid.signed)
      case .constant(let constant):
        guard let known = constant.codes else { return nil }
        codes = known
      case .codes, .real: return nil
      }
      guard stated.bits != codes.bits || stated.signed.map({ $0 != codes.signed }) ?? false
      else { return nil }
      return .contradictedDatatype(
        value: graph[output].name, stated: stated.name,
        actual: (codes.signed ? "INT" : "UINT") + "\(codes.bits)")
    }
  }
}

/// An integer data type of a `finn_datatype` annotation.
struct FinnDatatype {
  let name: String
  let bits: Int
  /// Whether the type is signed; `nil` for `SCALEDINT`, which QONNX uses for both.
  let signed: Bool?

  /// Reads `SCALEDINT<bits>`, `INTbits` or `UINTbits` of at most 64 bits; gives `nil` for any other type or none.
  init?(_ annotations: [KeyValue]) {
    guard let name = annotations.first(where: { $0.key == "finn_datatype" })?.value else {
      return nil
    }
    let digits: Substring
    if name.hasPrefix("SCALEDINT<"), name.hasSuffix(">") {
      (digits, signed) = (name.dropFirst(10).dropLast(), nil)
    } else if name.hasPrefix("UINT") {
      (digits, signed) = (name.dropFirst(4), false)
    } else if name.hasPrefix("INT") {
      (digits, signed) = (name.dropFirst(3), true)
    } else {
      return nil
    }
    guard let bits = Int(digits), (1...64).contains(bits) else { return nil }
    self.name = name
    self.bits = bits
  }
}
