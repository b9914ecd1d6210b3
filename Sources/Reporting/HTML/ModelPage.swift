import Mustache
import TensorCore

/// What is known of one model or of several side by side, as one self-contained page, without fonts or pictures from
/// elsewhere. Its script draws what a reader chooses, sorts and filters; all figures but those drawings are there without it.
package struct ModelPage: Sendable {
  /// A model of the page.
  package struct Subject: Sendable {
    package var report: InspectionReport
    /// What it loses against another one; `nil` where that wasn't measured.
    package var comparison: ModelComparison?

    package init(report: InspectionReport, comparison: ModelComparison? = nil) {
      self.report = report
      self.comparison = comparison
    }
  }

  package var subjects: [Subject]

  package init(_ subjects: [Subject]) { self.subjects = subjects }

  /// The page, as UTF-8 text.
  package var html: String { Self.template.render(PageView(subjects)) }

  private static let template: MustacheTemplate = {
    // The template is a constant: one that can't be parsed is a programming error.
    guard let template = try? MustacheTemplate(string: ModelTemplate.text) else {
      preconditionFailure("the model page's template is malformed")
    }
    return template
  }()
}
