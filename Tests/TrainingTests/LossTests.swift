import Datasets
import Foundation
import TensorCore
import Testing

@testable import Training

/// A loss as a function of the outputs alone.
private typealias Objective = (
  UnsafeBufferPointer<Float>, UnsafeMutableBufferPointer<Float>?
) throws -> Double

/// The mean loss, and the gradient that is written.
private func evaluate(_ objective: Objective, at outputs: [Float]) throws -> (Double, [Float]) {
  var gradient = [Float](repeating: .nan, count: outputs.count)
  let loss = try gradient.withMutableBuffer { gradient in
    try outputs.withBuffer { outputs in try objective(outputs, gradient) }
  }
  return (loss, gradient)
}

/// The greatest difference between the written gradient and central differences.
private func gradientError(_ objective: Objective, at outputs: [Float], step: Float) throws
  -> Double
{
  let (_, gradient) = try evaluate(objective, at: outputs)
  var largest = 0.0
  for index in outputs.indices {
    var (above, below) = (outputs, outputs)
    above[index] += step
    below[index] -= step
    let rise = try above.withBuffer { x in try objective(x, nil) }
    let fall = try below.withBuffer { x in try objective(x, nil) }
    let difference = (rise - fall) / Double(above[index] - below[index])
    largest = max(largest, abs(difference - Double(gradient[index])))
  }
  return largest
}

private func softmax(_ logits: [Float], classes: Int) -> [Float] {
  stride(from: 0, to: logits.count, by: classes).flatMap { start in
    let row = logits[start..<start + classes].map { exp(Double($0)) }
    let sum = row.reduce(0, +)
    return row.map { Float($0 / sum) }
  }
}

@Suite struct LossTests {
  private let labels = [2, 0, 4]
  private let logits = randomFloats(15, in: -3...3, seed: 6)
  private let teacher = randomFloats(15, in: -3...3, seed: 7)

  @Test(arguments: [0, 0.1])
  func `gradients of cross-entropy are those of finite differences`(smoothing: Double) throws {
    let loss = try CrossEntropyLoss(.logits, labelSmoothing: smoothing)
    let objective: Objective = { outputs, gradient in
      try loss.mean(outputs, labels: labels, gradient: gradient)
    }
    #expect(try gradientError(objective, at: logits, step: 1e-3) < 1e-6)
    let ofProbabilities = try CrossEntropyLoss(.probabilities, labelSmoothing: smoothing)
    let second: Objective = { outputs, gradient in
      try ofProbabilities.mean(outputs, labels: labels, gradient: gradient)
    }
    let probabilities = softmax(randomFloats(15, in: -1...1, seed: 8), classes: 5)
    #expect(try gradientError(second, at: probabilities, step: 1e-4) < 1e-4)
  }

  @Test(arguments: [0.5, 1, 4])
  func `gradients of distillation are those of finite differences`(temperature: Double) throws {
    for kind in [ScoreKind.logits, .probabilities] {
      let loss = try DistillationLoss(kind, temperature: temperature)
      let isLogits = kind == .logits
      let reference = isLogits ? teacher : softmax(teacher, classes: 5)
      let objective: Objective = { outputs, gradient in
        try reference.withBuffer { reference in
          try loss.mean(outputs, teacher: reference, rows: 3, gradient: gradient)
        }
      }
      let mild = randomFloats(15, in: -1...1, seed: 8)
      let point = isLogits ? logits : softmax(mild, classes: 5)
      #expect(
        try gradientError(objective, at: point, step: isLogits ? 1e-3 : 1e-4)
          < (isLogits ? 1e-5 : 1e-3))
    }
  }

  @Test func `the gradient of the squared error is that of finite differences`() throws {
    let objective: Objective = { outputs, gradient in
      try teacher.withBuffer { targets in
        try SquaredErrorLoss().mean(outputs, targets: targets, gradient: gradient)
      }
    }
    #expect(try gradientError(objective, at: logits, step: 1e-2) < 1e-5)
    let plain = zip(logits, teacher).map { pow(Double($0) - Double($1), 2) }.reduce(0, +) / 15
    #expect(abs(try evaluate(objective, at: logits).0 - plain) < 1e-6)
  }

  @Test func `cross-entropy is the metric of the same name, from logits and from probabilities`()
    throws
  {
    let metric = try Metrics.crossEntropy(
      Tensor(logits, shape: [3, 5]), labels: labels)
    let value = try logits.withBuffer {
      try CrossEntropyLoss(.logits).mean($0, labels: labels)
    }
    #expect(abs(value - metric) < 1e-12)
    let ofProbabilities = try softmax(logits, classes: 5).withBuffer {
      try CrossEntropyLoss(.probabilities).mean($0, labels: labels)
    }
    #expect(abs(ofProbabilities - metric) < 1e-6)
  }

  @Test func `label smoothing of even probabilities costs the logarithm of the classes`() throws {
    let value = try [Float](repeating: 7, count: 10).withBuffer {
      try CrossEntropyLoss(.logits, labelSmoothing: 0.3).mean($0, labels: [1, 4])
    }
    #expect(abs(value - log(5)) < 1e-12)
  }

  @Test func `distillation from oneself costs nothing and pulls nowhere`() throws {
    let objective: Objective = { outputs, gradient in
      try logits.withBuffer { teacher in
        try DistillationLoss(.logits, temperature: 3).mean(
          outputs, teacher: teacher, rows: 3, gradient: gradient)
      }
    }
    let (loss, gradient) = try evaluate(objective, at: logits)
    #expect(loss == 0)
    #expect(gradient.allSatisfy { $0 == 0 })
  }

  @Test func `at a high temperature distillation matches logits`() throws {
    // Hinton et al. 2015, equation 4: the gradient tends to (z - v) / classes for centred logits.
    let centred = [Float](arrayLiteral: 1, -1, 2, -2)
    let reference: [Float] = [0.5, 0.5, -2, 1]
    let objective: Objective = { outputs, gradient in
      try reference.withBuffer { teacher in
        try DistillationLoss(.logits, temperature: 1e4).mean(
          outputs, teacher: teacher, rows: 1, gradient: gradient)
      }
    }
    let (_, gradient) = try evaluate(objective, at: centred)
    for index in 0..<4 {
      #expect(abs(gradient[index] - (centred[index] - reference[index]) / 4) < 1e-3)
    }
  }

  @Test func `extreme scores give finite losses and gradients`() throws {
    let extreme: [Float] = [1e30, -1e30, 0, -3e38, 3e38, 1]
    let loss = try CrossEntropyLoss(.logits)
    let objective: Objective = { outputs, gradient in
      try loss.mean(outputs, labels: [0, 1], gradient: gradient)
    }
    let (value, gradient) = try evaluate(objective, at: extreme)
    #expect(value == 0)
    #expect(gradient == [0, 0, 0, 0, 0, 0])
    let zero = try CrossEntropyLoss(.probabilities)
    let certain: Objective = { outputs, gradient in
      try zero.mean(outputs, labels: [1], gradient: gradient)
    }
    let (cost, slope) = try evaluate(certain, at: [1, 0])
    #expect(cost > 80 && cost < 100)
    #expect(slope[0] == 0 && slope[1] < 0 && slope[1].isFinite)
  }

  @Test func `NaN in an output is NaN in the loss`() throws {
    for kind in [ScoreKind.logits, .probabilities] {
      let value = try [Float.nan, 0.5, 0.5].withBuffer {
        try CrossEntropyLoss(kind).mean($0, labels: [1])
      }
      #expect(value.isNaN)
    }
    let squared = try [Float.nan, 1].withBuffer { x in
      try [Float(0), 0].withBuffer { try SquaredErrorLoss().mean(x, targets: $0) }
    }
    #expect(squared.isNaN)
  }

  @Test func `gradients may replace the outputs`() throws {
    let loss = try CrossEntropyLoss(.logits, labelSmoothing: 0.1)
    let objective: Objective = { outputs, gradient in
      try loss.mean(outputs, labels: labels, gradient: gradient)
    }
    let apart = try evaluate(objective, at: logits).1
    var inPlace = logits
    try inPlace.withMutableBuffer { buffer in
      _ = try objective(UnsafeBufferPointer(buffer), buffer)
    }
    #expect(inPlace == apart)
  }

  @Test func `the number of threads doesn't change a bit`() throws {
    let (rows, classes) = (97, 1001)
    let scores = randomFloats(rows * classes, in: -9...9, seed: 9)
    let reference = randomFloats(rows * classes, in: -9...9, seed: 10)
    let labels = (0..<rows).map { $0 * 7 % classes }
    let objectives: [Objective] = [
      { x, g in
        try CrossEntropyLoss(.logits).mean(x, labels: labels, gradient: g)
      },
      { x, g in
        try reference.withBuffer { t in
          try DistillationLoss(.logits, temperature: 2).mean(
            x, teacher: t, rows: rows, gradient: g)
        }
      },
      { x, g in
        try reference.withBuffer { t in
          try SquaredErrorLoss().mean(x, targets: t, gradient: g)
        }
      },
    ]
    for objective in objectives {
      let (one, three) = try withOneAndThreeThreads { try evaluate(objective, at: scores) }
      #expect(one.0 == three.0 && one.1 == three.1)
    }
  }

  @Test func `what doesn't fit is refused`() throws {
    let loss = try CrossEntropyLoss(.logits)
    #expect(throws: LossError.label(row: 1, label: 5, classes: 5)) {
      try logits.withBuffer { try loss.mean($0, labels: [0, 5, 1]) }
    }
    #expect(throws: LossError.count(.outputs, expected: 16, actual: 15)) {
      try logits.withBuffer { try loss.mean($0, labels: [0, 1]) }
    }
    #expect(throws: LossError.empty) { try logits.withBuffer { try loss.mean($0, labels: []) } }
    #expect(throws: LossError.count(.targets, expected: 15, actual: 2)) {
      try logits.withBuffer { x in
        try [Float(1), 2].withBuffer { try SquaredErrorLoss().mean(x, targets: $0) }
      }
    }
    #expect(throws: LossError.setting(.labelSmoothing, actual: 1)) {
      try CrossEntropyLoss(.logits, labelSmoothing: 1)
    }
    #expect(throws: LossError.setting(.temperature, actual: 0)) {
      try DistillationLoss(.logits, temperature: 0)
    }
  }

  @Test func `names are those of the option`() {
    #expect(LossKind.allCases.map(\.rawValue) == ["cross-entropy", "mse", "distill"])
  }
}
