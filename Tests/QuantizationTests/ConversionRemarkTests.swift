import GraphIR
import Operators
import Testing

@testable import Quantization

/// What a conversion says that it left undone, or that is known to cost quality.
@Suite struct ConversionRemarkTests {
  private func remarks(samples: Int = 32, _ configure: (inout Recipe) -> Void) throws
    -> [Conversion.Remark]
  {
    try Converter(ConverterTests.recipe(configure)).convert(
      ConverterTests.model(ModelBuilder.residual()),
      calibration: try ConverterTests.samples(samples, [4, 6, 6])
    ).remarks
  }

  @Test func `the default says nothing`() throws {
    #expect(try remarks { _ in } == [])
  }

  @Test func `few calibration samples are said to be few`() throws {
    #expect(try remarks(samples: 31) { _ in } == [.fewSamples(31)])
    #expect(try remarks(samples: 1) { $0.refine = .none } == [.fewSamples(1)])
  }

  @Test func `a method as published is said to round toward zero, and a2q+ to centre`() throws {
    let plus = try remarks {
      $0.method = .a2qPlus
      $0.refine = .none
    }
    guard case .centred(let centred)? = plus.first,
      case .publishedRounding(let rounded)? = plus.last
    else {
      Issue.record("\(plus)")
      return
    }
    #expect(plus.count == 2 && centred.contains("a") && rounded.contains("a"))
    // The first and the last layer take plainly rounded weights.
    #expect(centred.count == 2 && rounded.count == 2)
    #expect(
      try remarks {
        $0.method = .a2q
        $0.refine = .none
      } == [.publishedRounding(layers: rounded)])
  }
}
