import Logging
import Snug

/// Writes log events to standard error, one plain line each; warnings and errors say what they are.
struct StandardErrorLogHandler: LogHandler {
  var logLevel = Logger.Level.notice
  var metadata: Logger.Metadata = [:]

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    let prefix =
      switch event.level {
      case .warning: "warning: "
      case .error, .critical: "error: "
      default: ""
      }
    let fields = metadata.merging(event.metadata ?? [:]) { _, new in new }
      .sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
    Console.shared.writeLine("\(prefix)" + "\(event.message)\(fields)".printable)
  }
}
