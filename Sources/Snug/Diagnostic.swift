import Reporting
import TensorCore

/// A failure as a user reads it: where, what, and what to do about it.
public struct Diagnostic: Error, Sendable, Hashable {
  /// The part of the job during which the failure arose; it decides the exit status.
  public enum Stage: String, Sendable, Hashable, CaseIterable {
    case options, recipe, model, data, calibration, conversion, execution, training, verification
    /// Paths that must not be the same, or in one another.
    case paths
    case output, interruption
  }

  public var stage: Stage
  /// The file that can't be used or written, as the caller named it.
  public var file: String?
  /// The node, tensor, field or option inside it, with its kind: `node 'conv1' (Conv)`.
  public var subject: String?
  /// What is wrong, in one clause.
  public var message: String
  /// What to do about it, in one clause.
  public var hint: String?
  /// What led to it, the nearest first.
  public var causes: [Diagnostic]

  public init(
    _ stage: Stage, file: String? = nil, subject: String? = nil, _ message: String,
    hint: String? = nil, causes: [Diagnostic] = []
  ) {
    self.stage = stage
    self.file = file
    self.subject = subject
    self.message = message
    self.hint = hint
    self.causes = causes
  }
}

extension Diagnostic {
  /// The number that tells a caller which kind of failure this is: the command's exit status, and the code of errors in
  /// the C interface.
  public var exitStatus: Int32 {
    switch stage {
    case .output: 3
    case .options: 64
    case .interruption: 130
    default: 2
    }
  }
}

extension Diagnostic: CustomStringConvertible {
  /// `file: subject: message; hint` on one line, whatever names the file holds.
  public var description: String {
    // Names of nodes and tensors are shortened where they take a screen; paths stay whole.
    let style = TextStyle()
    let namesPaths = ![.conversion, .execution, .verification].contains(stage)
    let words = [subject.map(style.quoting), namesPaths ? message : style.quoting(message)]
    let place = ([file] + words).compactMap { $0 }.joined(separator: ": ")
    return (hint.map { "\(place); \($0)" } ?? place).printable
  }

  /// The line, and below it the causes as a tree, one line each.
  public var tree: String {
    var lines = [description]
    for (index, cause) in causes.enumerated() {
      let isLast = index == causes.count - 1
      let below = cause.tree.split(separator: "\n")
      for (row, line) in below.enumerated() {
        let stem = row == 0 ? (isLast ? "└─ " : "├─ ") : (isLast ? "   " : "│  ")
        lines.append(stem + line)
      }
    }
    return lines.joined(separator: "\n")
  }
}
