import GraphIR
import Operators

/// Measures how far the outputs of quantized layers are from those of the float model, on calibration samples, with all
/// that was done in place.
struct OutputError {
  let layers: [DotProductLayer]
  /// Whether the means of the outputs were corrected, by which the next operator then makes up for a shift.
  let ignoresMean: Bool

  /// The most samples that the error is measured on.
  static let sampleLimit = 32
  /// The most elements of layers' outputs that are kept at a time, which large images reach with fewer samples.
  static let elementLimit = 1 << 22

  /// - Parameter runner: gives the samples.
  /// - Returns: for each layer the norm of its output's error, as a part of the norm of the float output less its
  ///   mean; `nil` for an output that is constant, or that has no values.
  /// - Throws: ``ConversionError`` where samples can't be run.
  func measure(float: Graph, quantized: Graph, runner: SampleRunner) throws(ConversionError)
    -> [Double?]
  {
    let outputs = layers.map { (layer) in layer.output(in: float) }
    let elements = outputs.reduce(0) { $0 + ($1.flatMap { runner.layerSizes[$0] } ?? 0) }
    let samples = min(Self.sampleLimit, max(1, Self.elementLimit / max(elements, 1)))
    let runner = runner.limited(to: samples)
    var agreements = layers.map {
      ChannelAgreement(channels: $0.layout.channelCount, axis: $0.outputAxis)
    }
    var indexOfOutput: [ValueID: Int] = [:]
    for (index, output) in outputs.enumerated() { if let output { indexOfOutput[output] = index } }
    let values = outputs.compactMap(\.self)
    var wanted: [ValueID: [[Float]]] = [:]
    try runner.observe(values, in: float) { value, elements, _ in
      wanted[value, default: []].append(Array(elements))
    }
    var batches: [ValueID: Int] = [:]
    try runner.observe(values, in: quantized) { value, elements, shape in
      let batch = batches[value, default: 0]
      batches[value] = batch + 1
      guard let index = indexOfOutput[value], let expected = wanted[value], batch < expected.count
      else { return }
      expected[batch].withUnsafeBufferPointer {
        agreements[index].observe(wanted: $0, found: elements, shape: shape)
      }
    }
    return agreements.map {
      $0.variance > 0
        ? $0.relativeError(after: ignoresMean ? .mean : .none).squareRoot() : nil
    }
  }
}
