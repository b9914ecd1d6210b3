/// The sums and counts that one pass over the integers of a channel gives.
struct ChannelSums: Sendable {
  /// The sum of the positive integers.
  var positive: Int64 = 0
  /// The sum of the negative integers' magnitudes.
  var negative: Int64 = 0
  var zeros = 0
  /// The number of elements in the file that are not exactly their integer times the scale.
  var inexact = 0
  /// The number of NaN and infinite elements.
  var nonFinite = 0

  mutating func add(sum: Int64, norm: Int64, zeros: Int, inexact: Int, nonFinite: Int) {
    positive += (norm + sum) / 2
    negative += (norm - sum) / 2
    self.zeros += zeros
    self.inexact += inexact
    self.nonFinite += nonFinite
  }
}
