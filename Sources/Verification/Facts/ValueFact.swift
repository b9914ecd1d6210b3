/// What the analysis knows of one value of the graph.
enum ValueFact: Sendable {
  /// Real numbers without a known grid.
  case real(Obstacle)
  /// Computed at run time: a scale times an integer.
  case grid(IntegerGrid)
  /// Computed at run time: an integer tensor.
  case codes(CodeRange)
  /// Known from the file, quantized or not.
  case constant(ConstantTensor)
}
