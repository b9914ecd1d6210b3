import AccumulatorBounds
import Quantizers
import TensorCore

/// What to convert to: bit widths, method and initialisation, with overrides for single layers.
///
/// ``settings`` says how each property is named, checked and written.
public struct Recipe: Sendable, Hashable {
  /// How weights come to fit their accumulator.
  public enum Method: String, Sendable, Hashable, CaseIterable {
    /// The exact per-sign budgets, met by the nearest integers.
    case exact
    /// Zero-centred l1-norm constraint (arXiv 2401.10432).
    case a2qPlus = "a2q+"
    /// l1-norm constraint (arXiv 2308.13504).
    case a2q
    /// Per-channel round-to-nearest without a constraint: the baseline.
    case unconstrained
  }

  /// How weights are brought near the constraint before they are quantized.
  public enum Initializer: String, Sendable, Hashable, CaseIterable {
    /// Euclidean projection onto the l1 ball of the constraint (EP-init).
    case projection
    /// The weights stay; only the norm parameter is clamped.
    case clamp
  }

  /// What post-training conversion adds to the plain initialisation.
  public enum Refinement: String, Sendable, Hashable, CaseIterable {
    /// The method's own initialisation and rounding.
    case none
    /// The best integers that the method's constraint allows, over a search of each channel's scale; and the variance of
    /// each output corrected with its mean where there is calibration data.
    case best
  }

  /// By what the scale of each channel is searched with ``Refinement/best``.
  public enum ScaleCriterion: String, Sendable, Hashable, CaseIterable {
    /// The error of the weights.
    case weights
    /// The error of the layer's output on calibration data; that of the weights where there is none.
    case output
  }

  /// How weights become integers with ``Refinement/best``; other than `nearest` needs calibration data and takes
  /// it where there is none.
  public typealias Rounding = OutputErrorQuantizer.Rounding

  /// How an activation quantizer's clipping range follows from calibration data.
  public enum RangeEstimator: String, Sendable, Hashable, CaseIterable {
    /// ``percentile`` with 8 bits and more, which have codes to spare for outliers; ``mse`` with fewer, and where scales
    /// are powers of two, which a percentile would be rounded to without regard to what that cuts off.
    case automatic = "auto"
    /// The 99.999th percentile of the magnitudes.
    case percentile
    /// The range with the least squared quantization error.
    case mse
    /// Whichever of these, and of the 99.9th percentile, gives the readers' outputs the least error.
    case output
  }

  /// Which widths activation quantizers may take.
  public enum ActivationWidth: String, Sendable, Hashable, CaseIterable {
    /// The recipe's.
    case fixed
    /// Up to two bits less where the budget that this frees is worth more than what it costs.
    case searched
  }

  /// How gradients pass the projection of method `exact` in training.
  public typealias Gradient = ExactQuantizer.Gradient

  public typealias ScaleType = Quantizers.ScaleType

  /// Which layers take ``ioBits`` and an accumulator of ``ioAccumulatorBits``.
  public enum IOLayers: Sendable, Hashable {
    /// Those that read an input's own values, and those that give an output's (``Boundary``).
    case automatic
    case none
    /// Those whose node name matches one of the patterns, in which `*` stands for any run of characters.
    case named([String])

    /// Whether a layer is one of them.
    ///
    /// - Parameter isBoundary: whether it is the first or the last.
    func contains(_ name: String, isBoundary: Bool) -> Bool {
      switch self {
      case .automatic: isBoundary
      case .none: false
      case .named(let patterns):
        patterns.contains { NamePattern.matches($0, name) }
      }
    }
  }

  /// How a product of two activations meets the accumulator's width, where its operands' bits and length don't.
  public enum ActivationProducts: String, Sendable, Hashable, CaseIterable {
    /// Its operands get fewer bits.
    case narrow
    /// It keeps its operands' bits and takes an accumulator of ``ioAccumulatorBits``.
    case wide
  }

  /// Settings for the layers whose node name matches a pattern; the last match wins.
  public struct LayerOverride: Sendable, Hashable {
    /// A node name, in which `*` stands for any run of characters.
    public var match: String
    /// `false` leaves the layer in floating point.
    public var quantize: Bool?
    public var method: Method?
    public var weightBits: Int?
    /// Bits of the layer's input activations.
    public var activationBits: Int?
    public var accumulatorBits: Int?
    /// Bits of the layer's bias, which then counts in its accumulator.
    public var biasBits: Int?
    /// Products of the layer's tiles; 0 for one register where the others have tiles.
    public var tileSize: Int?
    /// Width of the register that adds the layer's tiles.
    public var outerBits: Int?

    /// An override of those settings that `set` sets.
    public init(match: String, _ set: (inout LayerOverride) -> Void = { _ in }) {
      self.match = match
      set(&self)
    }
  }

  public var method = Method.exact
  /// Weight bits M of the hidden layers.
  public var weightBits = 4
  /// Activation bits N of the hidden layers' inputs.
  public var activationBits = 4
  /// Signed accumulator width P of the hidden layers.
  public var accumulatorBits = 16
  /// Weight and input-activation bits of ``ioLayers``, by default the first and the last ones.
  public var ioBits = 8
  public var ioLayers = IOLayers.automatic
  public var activationProducts = ActivationProducts.narrow
  /// Bits of biases that are integers on the accumulator's scale and count in its bound; `nil` leaves biases in
  /// floating point, outside the accumulator.
  public var biasBits: Int?
  /// T: products that are summed in a register of the accumulator's width before their sum goes to an outer one;
  /// `nil` for one register. Layers that are held to ``ioAccumulatorBits`` keep one.
  public var tileSize: Int?
  /// Q, the width of the outer register; `nil` for the least that no sum of tiles can leave.
  public var outerBits: Int?
  /// The registers of the hardware, in place of ``accumulatorBits``, ``tileSize`` and ``outerBits``; they hold the first
  /// and the last layers too, where they have a width of their own.
  public var registers: Registers?
  public var initializer = Initializer.projection
  public var refine = Refinement.best
  public var scaleSearch = ScaleCriterion.output
  public var rounding = Rounding.optq
  /// Method for depthwise convolutions where `method` is A2Q+ (arXiv 2401.10432, appendix B.2).
  public var depthwiseMethod = Method.a2q
  /// Whether to correct the mean shift of each layer's output; needs calibration data.
  public var biasCorrection = true
  public var rangeEstimator = RangeEstimator.automatic
  /// ``ActivationWidth/searched`` needs calibration data.
  public var activationWidth = ActivationWidth.fixed
  /// Whether factors move between layers before quantization (``CrossLayerEqualization``).
  public var equalization = false
  /// Of layers whose method is `exact`, in training.
  public var gradient = Gradient.straightThrough
  /// What the scales of weights and activations may be.
  public var scaleType = ScaleType.float
  /// Whether batch normalisation is folded into the preceding layer before quantization.
  public var foldBatchNormalization = false
  /// Whether the graph input takes an unsigned quantizer.
  public var inputUnsigned = false
  /// The most samples that calibration reads.
  public var calibrationSamples = 1000
  /// Steps of training each block toward what the float model's gives, without labels; other than 0 needs
  /// calibration data.
  public var reconstructionSteps = 0
  public var layers: [LayerOverride] = []

  /// Accumulator width to which the first and the last dot-product layer are held.
  public static let ioAccumulatorBits = 32

  public init() {}
}
