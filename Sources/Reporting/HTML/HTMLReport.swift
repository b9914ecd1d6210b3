import Mustache
import Verification

/// The inspection as one self-contained page, without scripts, fonts or pictures from elsewhere.
package struct HTMLReport: Sendable {
  package var model: ModelSummary
  package var result: VerificationResult

  package init(model: ModelSummary, result: VerificationResult) {
    self.model = model
    self.result = result
  }

  /// The page, as UTF-8 text.
  package var html: String {
    Self.template.render(PageView(model: model, result: result))
  }

  private static let template: MustacheTemplate = {
    // The template is a constant of ReportTemplate.swift: one that can't be parsed is a programming error.
    guard let template = try? MustacheTemplate(string: ReportTemplate.text) else {
      preconditionFailure("the report's template is malformed")
    }
    return template
  }()
}
