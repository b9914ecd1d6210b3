/// The version of this package, as `snug --version` prints it and exported files record it.
public let version = "0.1.0"
