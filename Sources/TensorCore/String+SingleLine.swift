extension String {
  /// The text fit for one line of a message: control characters, which a name from a file can contain, as
  /// escapes, and the middle left out of what is very long.
  public var singleLine: String {
    let limit = 1000
    let scalars = unicodeScalars
    if scalars.count > limit {
      let start = String(scalars.prefix(limit / 2))
      let end = String(scalars.suffix(limit / 2))
      return "\(start)…\(end)".printable
    }
    return printable
  }

  /// The text with what could steer a terminal, break a line or turn its direction as escapes, so that a name from
  /// a file can't forge output.
  public var printable: String {
    var line = ""
    for scalar in unicodeScalars {
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate:
        line += scalar.escaped(asASCII: true)
      default: line.unicodeScalars.append(scalar)
      }
    }
    return line
  }
}
