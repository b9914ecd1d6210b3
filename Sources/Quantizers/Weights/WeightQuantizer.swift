import TensorCore

/// A weight quantization method, bound to one layer.
///
/// A method maps weights and per-channel parameters to integers whose accumulators can't overflow,
/// and has gradients for training. Scale and norm of a channel are s = 2^d and g = 2^t, with d and t
/// the parameters. No call allocates in proportion to the layer after initialisation.
package protocol WeightQuantizer: Sendable {
  /// The name that `--method` takes.
  static var methodName: String { get }

  init(_ layer: WeightLayer)

  var layer: WeightLayer { get }
  /// False where t plays no part.
  var usesNorm: Bool { get }
  /// True where the integers meet the layer's budgets.
  var isConstrained: Bool { get }
  /// The name of the method whose constraint the integers meet.
  var constraintName: String { get }

  /// Parameters for float weights; the weights themselves change where `initialization` says so.
  ///
  /// - Parameter weights: C x K, row-major.
  func initialize(
    _ weights: UnsafeMutableBufferPointer<Float>, _ initialization: WeightInitialization
  ) throws(QuantizerError) -> ChannelParameters

  /// s for a parameter d.
  func scale(_ log2Scale: Float) -> Float

  /// Quantizes the layer.
  ///
  /// - Parameter weights: C x K, row-major.
  /// - Returns: what happened on the way; ``QuantizationSummary/repairedUnits`` is 0 as a rule.
  @discardableResult func forward(
    _ weights: UnsafeBufferPointer<Float>, _ parameters: ParameterView,
    into output: QuantizedBuffers
  ) throws(QuantizerError) -> QuantizationSummary

  /// Gradients for the upstream gradient of integer x scale, C x K.
  func backward(
    _ weights: UnsafeBufferPointer<Float>, _ parameters: ParameterView,
    upstream: UnsafeBufferPointer<Float>, into gradients: GradientBuffers)

  /// The regularisation penalty of the layer; its gradients, times `factor`, are added to those of
  /// the parameters.
  func penalty(_ parameters: ParameterView, factor: Float, addingTo gradients: GradientBuffers)
    -> Double
}

extension WeightQuantizer {
  package var constraintName: String { Self.methodName }

  package func scale(_ log2Scale: Float) -> Float { NormConstrainedQuantizer.scale(log2Scale) }

  package func penalty(
    _ parameters: ParameterView, factor: Float, addingTo gradients: GradientBuffers
  ) -> Double { 0 }
}

/// The weight quantization methods, by the names that `--method` takes.
package enum WeightQuantizers {
  package static let all: [any WeightQuantizer.Type] = [
    A2QPlusQuantizer.self, A2QQuantizer.self, ExactQuantizer.self, UnconstrainedQuantizer.self,
  ]

  /// The method of that name, or `nil`.
  package static func named(_ name: String) -> (any WeightQuantizer.Type)? {
    all.first { $0.methodName == name }
  }
}

/// How weights are brought near the constraint before the first quantization.
package enum WeightInitialization: String, Sendable, Hashable, CaseIterable {
  /// The Euclidean projection onto the constraint (EP-init).
  case projection
  /// The weights stay; only the norm parameter is clamped.
  case clamp
}

/// The trainable parameters of a layer's quantizer, one of each a channel.
package struct ChannelParameters: Sendable, Hashable {
  /// d = log2 s.
  package var log2Scale: [Float]
  /// t = log2 g; empty where the method has no norm parameter.
  package var log2Norm: [Float]
  /// Biases inside the accumulators in steps of the input; empty for those of the layer.
  package var biases: [Float]

  package init(log2Scale: [Float], log2Norm: [Float], biases: [Float] = []) {
    self.log2Scale = log2Scale
    self.log2Norm = log2Norm
    self.biases = biases
  }

  /// Calls `body` with the parameters in place.
  package func withView<Result, Failure: Error>(
    _ body: (ParameterView) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try log2Scale.withBuffer { (scale) throws(Failure) in
      try log2Norm.withBuffer { (norm) throws(Failure) in
        try biases.withBuffer { (biases) throws(Failure) in
          try body(ParameterView(log2Scale: scale, log2Norm: norm, biases: biases))
        }
      }
    }
  }
}

/// Parameters where they lie, C of each; the caller keeps them alive and unchanged during a call.
package struct ParameterView: @unchecked Sendable {
  package let log2Scale: UnsafeBufferPointer<Float>
  /// May be empty for a method without a norm parameter.
  package let log2Norm: UnsafeBufferPointer<Float>
  /// Biases inside the accumulators as they now are, in steps of the input; empty for those of the layer.
  package let biases: UnsafeBufferPointer<Float>

  package init(
    log2Scale: UnsafeBufferPointer<Float>, log2Norm: UnsafeBufferPointer<Float>,
    biases: UnsafeBufferPointer<Float> = UnsafeBufferPointer(start: nil, count: 0)
  ) {
    self.log2Scale = log2Scale
    self.log2Norm = log2Norm
    self.biases = biases
  }
}

/// Where a forward pass writes; what is `nil` is not computed.
package struct QuantizedBuffers: @unchecked Sendable {
  /// The integers q, C x K.
  package let codes: UnsafeMutableBufferPointer<Int8>?
  /// q s, C x K.
  package let values: UnsafeMutableBufferPointer<Float>?
  /// s, C.
  package let scales: UnsafeMutableBufferPointer<Float>?

  package init(
    codes: UnsafeMutableBufferPointer<Int8>? = nil,
    values: UnsafeMutableBufferPointer<Float>? = nil,
    scales: UnsafeMutableBufferPointer<Float>? = nil
  ) {
    self.codes = codes
    self.values = values
    self.scales = scales
  }
}

/// Where a backward pass writes.
package struct GradientBuffers: @unchecked Sendable {
  /// C x K.
  package let weights: UnsafeMutableBufferPointer<Float>
  /// Of d, C.
  package let log2Scale: UnsafeMutableBufferPointer<Float>
  /// Of t, C; may be empty for a method without a norm parameter.
  package let log2Norm: UnsafeMutableBufferPointer<Float>

  package init(
    weights: UnsafeMutableBufferPointer<Float>, log2Scale: UnsafeMutableBufferPointer<Float>,
    log2Norm: UnsafeMutableBufferPointer<Float>
  ) {
    self.weights = weights
    self.log2Scale = log2Scale
    self.log2Norm = log2Norm
  }
}

/// What happened while a layer was quantized.
package struct QuantizationSummary: Sendable, Hashable {
  /// Channels whose integers missed the budget after rounding.
  package var repairedChannels = 0
  /// Units by which their weights were moved toward zero.
  package var repairedUnits = 0
  /// Channels whose integers are 0 because their weights are all equal (to 0, for A2Q) up to rounding.
  package var degenerateChannels = 0
  /// True where K = 1, so that zero-centring would erase the layer and A2Q stood in for A2Q+.
  package var fellBackToA2Q = false

  package init() {}

  mutating func add(_ other: QuantizationSummary) {
    repairedChannels += other.repairedChannels
    repairedUnits += other.repairedUnits
    degenerateChannels += other.degenerateChannels
    fellBackToA2Q = fellBackToA2Q || other.fellBackToA2Q
  }
}
