import AccumulatorBounds
import GraphIR
import Quantization
import Verification

extension Conversion {
  /// Takes back what the model states of products of activations whose length the verifier doesn't find, though shape
  /// inference did: it may trust symbols of the file, which prove nothing. They are then reported as not held.
  ///
  /// - Returns: whether there were any.
  mutating func withdrawOpenLengths(_ verdicts: VerificationResult) -> Bool {
    var open: Set<String> = []
    for verdict in verdicts.layers {
      guard case .unknownDotLength? = verdict.layer.obstacle, verdict.targetBits != nil else {
        continue
      }
      open.insert(verdict.layer.output)
      exemptions[verdict.layer.name] = .unknownLength
    }
    if open.isEmpty { return false }
    for id in model.graph.valueIDs where open.contains(model.graph[id].name) {
      model.graph[id].annotations.removeAll { $0.key == "finn_datatype" }
    }
    model.setMetadata(
      AccumulatorAnnotation.metadataKey,
      AccumulatorAnnotation.encode(
        model.accumulatorAnnotations.filter { !open.contains($0.output) }))
    return true
  }
}
