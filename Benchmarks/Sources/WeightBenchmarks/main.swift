import AccumulatorBounds
import BenchmarkSupport
import Quantizers

/// Weight bits M, activation bits N (unsigned) and accumulator bits P.
let settings = [(8, 8, 20), (4, 4, 14), (4, 4, 12)]

let original = ResNet50.weights()
print(
  "ResNet-50: \(ResNet50.layers.count) convolutions,",
  "\(ResNet50.layers.reduce(0) { $0 + $1.channels }) channels, \(ResNet50.weightCount) weights")

var measurements: [Measurement] = []
for (bits, inputBits, accumulatorBits) in settings {
  guard let input = IntegerRange(bits: inputBits, signed: false),
    let accumulator = AccumulatorRange(bits: accumulatorBits),
    let budget = AccumulatorBudget(input: input, accumulator: accumulator)
  else { continue }
  let setting = "W\(bits)A\(inputBits) P\(accumulatorBits)"
  for method in WeightQuantizers.all {
    let quantizers = ResNet50.layers.map {
      method.init(
        WeightLayer(channels: $0.channels, length: $0.length, bits: bits, budget: budget))
    }
    measurements += try measure("\(method.methodName) \(setting)", quantizers)
  }
}
printTable(measurements)

/// Initialisation, forward and backward of a whole network.
func measure(_ name: String, _ quantizers: [any WeightQuantizer]) throws -> [Measurement] {
  var weights = original
  var parameters: [ChannelParameters] = []
  var failure: (any Error)?
  let initialize = Measurement(
    "\(name) initialize", units: ResNet50.weightCount,
    prepare: {
      parameters.removeAll(keepingCapacity: true)
      for layer in weights.indices {
        for index in weights[layer].indices { weights[layer][index] = original[layer][index] }
      }
    },
    work: {
      for (layer, quantizer) in quantizers.enumerated() {
        do {
          try weights[layer].withUnsafeMutableBufferPointer {
            parameters.append(try quantizer.initialize($0, .projection))
          }
        } catch { failure = error }
      }
    })
  var values = weights
  var repairs = 0
  let forward = Measurement("\(name) forward", units: ResNet50.weightCount) {
    repairs = 0
    for (layer, quantizer) in quantizers.enumerated() {
      do {
        try values[layer].withUnsafeMutableBufferPointer { values in
          try weights[layer].withUnsafeBufferPointer { weights in
            try parameters[layer].withView {
              repairs += try quantizer.forward(weights, $0, into: .init(values: values))
                .repairedUnits
            }
          }
        }
      } catch { failure = error }
    }
  }
  var scales = quantizers.map { [Float](repeating: 0, count: $0.layer.channels) }
  var norms = scales
  let backward = Measurement("\(name) backward", units: ResNet50.weightCount) {
    for (layer, quantizer) in quantizers.enumerated() {
      values[layer].withUnsafeMutableBufferPointer { gradient in
        scales[layer].withUnsafeMutableBufferPointer { scale in
          norms[layer].withUnsafeMutableBufferPointer { norm in
            weights[layer].withUnsafeBufferPointer { weights in
              original[layer].withUnsafeBufferPointer { upstream in
                parameters[layer].withView {
                  quantizer.backward(
                    weights, $0, upstream: upstream,
                    into: .init(weights: gradient, log2Scale: scale, log2Norm: norm))
                }
              }
            }
          }
        }
      }
    }
  }
  if let failure { throw failure }
  if repairs > 0 { print("\(name): \(repairs) repairs") }
  return [initialize, forward, backward]
}
