/// What the analysis knows about one value of the graph.
enum ValueFact: Sendable {
  /// The value is real numbers without a known grid.
  case real(Obstacle)
  /// The value is computed at run time, a scale times an integer.
  case grid(IntegerGrid)
  /// The value is an integer tensor that is computed at run time.
  case codes(CodeRange)
  /// The value is known from the file, quantized or not.
  case constant(ConstantTensor)
}
