import Snug

/// A standard stream as a plain file descriptor: unbuffered, and with errors that can be seen.
enum StandardStream: Int32 {
  case output = 1
  case error = 2

  /// Why a stream can't be written.
  enum Failure: Error {
    /// Its reader has gone away.
    case closed
    /// Anything else, in the system's words.
    case failed(String)
  }

  var isTerminal: Bool { isatty(rawValue) == 1 }

  /// The terminal's width, 80 where it is unknown.
  var columns: Int {
    var size = winsize()
    guard ioctl(rawValue, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
    return Int(size.ws_col)
  }

  /// The layout for text on this stream: the terminal's width, and Unicode where the locale has it.
  var textStyle: TextStyle {
    TextStyle(width: isTerminal ? columns : nil, isUnicode: Self.localeIsUTF8)
  }

  private static var localeIsUTF8: Bool {
    for name in ["LC_ALL", "LC_CTYPE", "LANG"] {
      guard let value = getenv(name), value.pointee != 0 else { continue }
      let locale = String(cString: value).uppercased()
      return locale.hasSuffix("UTF-8") || locale.hasSuffix("UTF8")
    }
    return false
  }

  /// Writes all of `text`.
  @discardableResult
  func write(_ text: String) -> Result<Void, Failure> {
    var text = text
    return text.withUTF8 { bytes in
      var rest = UnsafeRawBufferPointer(bytes)
      while !rest.isEmpty {
        let count = Glibc.write(rawValue, rest.baseAddress, rest.count)
        if count >= 0 {
          rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
        } else if errno != EINTR {
          return .failure(errno == EPIPE ? .closed : .failed(String(cString: strerror(errno))))
        }
      }
      return .success(())
    }
  }
}
