import Testing

@testable import Training

@Suite struct OptimizerTests {
  @Test func `names are those of the option`() {
    #expect(OptimizerKind.allCases.map(\.rawValue) == ["sgd", "adam", "adamw"])
  }
}
