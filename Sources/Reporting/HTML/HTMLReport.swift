import Mustache
import Verification

/// The inspection as one self-contained page, without scripts, fonts or pictures from elsewhere.
package struct HTMLReport: Sendable {
  package var report: InspectionReport

  package init(_ report: InspectionReport) { self.report = report }

  /// The page, as UTF-8 text.
  package var html: String {
    Self.template.render(PageView(report))
  }

  private static let template: MustacheTemplate = {
    // The template is a constant of ReportTemplate.swift: one that can't be parsed is a programming error.
    guard let template = try? MustacheTemplate(string: ReportTemplate.text) else {
      preconditionFailure("the report's template is malformed")
    }
    return template
  }()
}
