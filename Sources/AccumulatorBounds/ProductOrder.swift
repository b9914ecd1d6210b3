/// Which products of a channel share a register, where a register takes only so many of them.
public enum ProductOrder: String, Sendable, Hashable, CaseIterable {
  /// Runs in the order in which the weight tensor holds a channel's weights.
  case stored
  /// Runs through the channels of one position of a convolution's kernel after the other, as memory holds them where
  /// channels come last; a run may go on in the next position.
  case channelsLast = "channels-last"
  /// The same, but that each position begins a run, as where its channels are padded.
  case withinPosition = "within-position"
  /// Any products, however they are picked.
  case any
}

/// Which integers meet in the registers that take a part of a channel's products.
public enum RegisterOperands: String, Sendable, Hashable, CaseIterable {
  /// Inputs and weights less their zero points.
  case values
  /// Codes of inputs as unsigned bytes, signed ones raised by 128, and codes of weights as signed bytes.
  case unsignedBytes = "u8s8"
  /// Codes of both as signed bytes, unsigned ones of inputs lowered by 128.
  case signedBytes = "s8s8"

  /// What the code of an input becomes by addition before it is multiplied.
  ///
  /// - Parameter isSigned: whether the code is of a signed type.
  package func shift(ofInputs isSigned: Bool) -> Int {
    switch (self, isSigned) {
    case (.values, _), (.unsignedBytes, false), (.signedBytes, true): 0
    case (.unsignedBytes, true): 128
    case (.signedBytes, false): -128
    }
  }
}
