import Foundation
import GraphIR
import TensorCore
import TestSupport
import Testing

@testable import Operators

@Suite struct CatalogueTests {
  /// Folders of `Sources/Operators` that hold no operators.
  static let otherFolders: Set<String> = ["Shared", "ControlFlow"]

  @Test func `every operator file stands in the catalogue`() throws {
    let root = Fixtures.repository.appending(path: "Sources/Operators")
    let registered = Set(Catalogue.operators.map { String(describing: $0) })
    var found: Set<String> = []
    for family in try FileManager.default.contentsOfDirectory(atPath: root.path) {
      guard !family.hasSuffix(".swift"), !Self.otherFolders.contains(family) else { continue }
      for file in try FileManager.default.contentsOfDirectory(
        atPath: root.appending(path: family).path)
      where file.hasSuffix(".swift") {
        // `Type+Concern.swift` extends an operator that has its own file.
        let name = String(file.dropLast(".swift".count))
        if !name.contains("+") { found.insert(name) }
      }
    }
    #expect(found == registered)
  }

  @Test func `the catalogue is sorted by domain and type without duplicates`() {
    let names = Catalogue.operators.map { "\($0.schema.domain):\($0.schema.type)" }
    #expect(names == names.sorted())
    #expect(Set(names).count == names.count)
  }

  @Test(arguments: [("", "StringConcat", 20), ("example.org", "Relu", 1), ("", "Relu", 5)])
  func `an unknown operator stays opaque`(_ domain: String, _ type: String, _ opset: Int) throws {
    let op = try Catalogue().makeOperator(
      domain: domain, type: type,
      attributes: AttributeReader([Attribute("a", .int(1))], opset: opset))
    let opaque = try #require(op as? OpaqueOperator)
    #expect(opaque.type == type && opaque.attributes() == [Attribute("a", .int(1))])
  }

  @Test func `the standard domain has two names`() throws {
    let op = try Catalogue().makeOperator(
      domain: "ai.onnx", type: "Relu", attributes: AttributeReader([], opset: 13))
    #expect(op is Relu)
  }

  @Test(arguments: Quant.Spelling.allCases)
  func `every spelling of the QONNX quantizer is known and kept`(_ spelling: Quant.Spelling) throws
  {
    let op = try Catalogue().makeOperator(
      domain: spelling.domain, type: spelling.type,
      attributes: AttributeReader([Attribute("signed", .int(0))], opset: 1))
    #expect(op.domain == spelling.domain && op.type == spelling.type)
    #expect((op as? Quant)?.isSigned == false)
  }

  @Test func `a known operator with a wrong attribute is refused`() {
    #expect(throws: OperatorError.attributeKind(name: "group", expected: "int", actual: "string")) {
      try Catalogue().makeOperator(
        domain: "", type: "Conv",
        attributes: AttributeReader([Attribute("group", .string("2"))], opset: 13))
    }
    #expect(throws: OperatorError.missingAttribute(name: "axis")) {
      try Catalogue().makeOperator(
        domain: "", type: "Concat", attributes: AttributeReader([], opset: 13))
    }
  }
}
