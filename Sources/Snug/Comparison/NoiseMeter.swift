import Reporting
import TensorCore

/// Powers of signal and noise in each channel of a value, over batches.
struct NoiseMeter {
  private var signal: [Double] = []
  private var noise: [Double] = []

  /// Takes in a batch of both; what differs in shape is left out.
  ///
  /// - Parameter axis: counts channels, from the end where negative.
  /// - Returns: whether the batch was taken in.
  @discardableResult
  mutating func add(reference: Tensor, _ other: Tensor, axis: Int) -> Bool {
    let shape = reference.shape
    let axis = axis < 0 ? axis + shape.count : axis
    guard shape == other.shape, shape.indices.contains(axis) || shape.isEmpty,
      let reference = reference.convertedToFloat(), let other = other.convertedToFloat()
    else { return false }
    let channels = shape.isEmpty ? 1 : shape[axis]
    let inner = shape.isEmpty ? 1 : shape[(axis + 1)...].reduce(1, *)
    if signal.isEmpty {
      signal = [Double](repeating: 0, count: channels)
      noise = signal
    }
    guard signal.count == channels else { return false }
    reference.withElements(of: Float.self) { x in
      other.withElements(of: Float.self) { y in
        for start in stride(from: 0, to: x.count, by: max(inner, 1)) {
          let channel = start / inner % channels
          var (power, error) = (0.0, 0.0)
          for index in start..<start + inner {
            let (a, b) = (Double(x[index]), Double(y[index]))
            power += a * a
            error += (a - b) * (a - b)
          }
          signal[channel] += power
          noise[channel] += error
        }
      }
    }
    return true
  }

  /// Over all channels; `nil` where nothing was seen.
  var ratio: SignalToNoise? {
    signal.isEmpty
      ? nil : SignalToNoise(signal: signal.reduce(0, +), noise: noise.reduce(0, +))
  }

  /// The mean over channels of the noise as a part of their signal, 1 at most for each; `nil` where nothing was seen.
  var lostShare: Double? {
    if signal.isEmpty { return nil }
    let shares = zip(signal, noise).map { signal, noise in
      noise == 0 ? 0 : signal > 0 ? min(1, noise / signal) : 1
    }
    return shares.reduce(0, +) / Double(shares.count)
  }

  /// The channel with the least ratio, of those with a signal and noise.
  var worstChannel: LayerComparison.Channel? {
    signal.indices.map {
      LayerComparison.Channel(
        index: $0, ratio: SignalToNoise(signal: signal[$0], noise: noise[$0]))
    }
    .filter { $0.ratio.decibels != nil }
    .min { ($0.ratio.decibels ?? 0) < ($1.ratio.decibels ?? 0) }
  }
}

/// Angle and distance between an output and its reference, over batches.
struct OutputMeter {
  private var product = 0.0
  private var squares = (reference: 0.0, other: 0.0)
  private var noise = 0.0
  private var deviation = 0.0
  private var magnitude = 0.0
  private(set) var isEmpty = true
  private var channels = NoiseMeter()
  /// Whether ``channels`` has all that was seen.
  private var hasChannels = true

  /// Takes in a batch of both; what differs in shape, or holds no numbers, is left out.
  mutating func add(reference: Tensor, _ other: Tensor) {
    guard reference.shape == other.shape, let reference = reference.convertedToFloat(),
      let other = other.convertedToFloat()
    else { return }
    isEmpty = false
    hasChannels =
      hasChannels && reference.shape.count >= 2
      && channels.add(reference: reference, other, axis: 1)
    reference.withElements(of: Float.self) { x in
      other.withElements(of: Float.self) { y in
        for index in x.indices {
          let (a, b) = (Double(x[index]), Double(y[index]))
          product += a * b
          squares.reference += a * a
          squares.other += b * b
          noise += (a - b) * (a - b)
          deviation = max(deviation, (a - b).magnitude)
          magnitude = max(magnitude, a.magnitude)
        }
      }
    }
  }

  /// The mean over channels, which dimension 1 counts, of the noise as a part of their signal, 1 at most for each; that of all
  /// elements together where there is no such dimension, or not always the same.
  var lostShare: Double {
    if hasChannels, let share = channels.lostShare { return share }
    return min(1, ratio.relativeNoise)
  }

  var ratio: SignalToNoise { SignalToNoise(signal: squares.reference, noise: noise) }

  func comparison(_ name: String) -> OutputComparison {
    let norms = (squares.reference * squares.other).squareRoot()
    return OutputComparison(
      name: name, ratio: ratio,
      cosine: norms > 0 ? product / norms : nil, largestDeviation: deviation,
      largestMagnitude: magnitude, lostShare: lostShare)
  }
}

extension SignalToNoise {
  /// Noise as a part of the signal; beyond all measure for noise without a signal.
  var relativeNoise: Double {
    noise == 0 ? 0 : signal > 0 ? noise / signal : .greatestFiniteMagnitude
  }
}
