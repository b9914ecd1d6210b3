import TensorCore
import TestSupport
import Testing
import Verification

@testable import Reporting

@Suite struct LayerSelectionTests {
  private static func names(
    _ set: (inout LayerSelection) -> Void
  ) throws -> [String] {
    var report = try SnapshotTests.inspection(SampleModels.mixed())
    set(&report.selection)
    return report.layers.map(\.layer.name)
  }

  private static let all = ["/features/conv1/Conv", "/features/conv2/Conv", "classifier"]

  @Test(arguments: [
    ("certified", [0, 1]), ("open", [2]), ("float", [2]), ("headroom<=1", [1]),
    ("headroom>1", [0]), ("required=19", [0]), ("weight!=8", [1]), ("k>=4", [0, 2]),
    ("target<9", []), ("zeros<50", [0, 1, 2]),
  ])
  func `a filter keeps the layers of which it holds`(text: String, kept: [Int]) throws {
    let filter = try #require(LayerFilter(text))
    #expect(try Self.names { $0.filters = [filter] } == kept.map { Self.all[$0] })
  }

  @Test(arguments: [
    "", "headroom", "headroom<", "headroom<a", "head<1", "certified=1", "<1", "k~4",
  ])
  func `another text is no filter`(text: String) { #expect(LayerFilter(text) == nil) }

  @Test func `layers are sorted by a column, and those without a number come last`() throws {
    #expect(
      try Self.names { $0.sort = .required } == [Self.all[1], Self.all[0], Self.all[2]])
    #expect(
      try Self.names { ($0.sort, $0.isDescending) = (.required, true) }
        == [Self.all[0], Self.all[1], Self.all[2]])
  }

  @Test func `names and filters together choose what table and JSON show, and not the verdict`()
    throws
  {
    var report = try SnapshotTests.inspection(SampleModels.mixed())
    report.selection.names = ["*/Conv"]
    report.selection.filters = [try #require(LayerFilter("weight=4"))]
    #expect(report.layers.map(\.layer.name) == [Self.all[1]])
    let document = report.json
    #expect(document["layers"]?.arrayValue?.count == 1)
    #expect(document["certified"] == .bool(false))
    let text = report.text()
    #expect(text.contains("1 of 3 layers are shown."))
    #expect(!text.contains("conv1/Conv  Conv"))
  }
}
