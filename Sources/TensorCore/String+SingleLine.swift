extension String {
  /// The text in a form fit for one line of a message: control characters, which a name from a file can contain, are
  /// escaped, and the middle of a very long text is left out.
  package var singleLine: String {
    let limit = 1000
    let scalars = unicodeScalars
    if scalars.count > limit {
      let start = String(scalars.prefix(limit / 2))
      let end = String(scalars.suffix(limit / 2))
      return "\(start)…\(end)".printable
    }
    return printable
  }

  /// The text with all characters escaped that could control a terminal, break a line or change its direction, so
  /// that a name from a file can't forge output.
  package var printable: String {
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
