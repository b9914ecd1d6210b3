import FuzzDriver
import GraphIR
import OnnxFormat
import Operators
import Passes
import TensorCore

@testable import Snug
@testable import Training

/// Readers that need operators, training or recipes.
@main enum JobTargets {
  static func main() { Fuzzer.main([recipe, checkpoint, canonical]) }

  private static let recipe = FuzzTarget("recipe") { bytes in
    guard let text = String(validating: bytes, as: UTF8.self) else { return }
    var options = ConversionOptions()
    try? RecipeFile.apply(text: text, path: "recipe.yaml", to: &options)
  }

  private static let checkpoint = FuzzTarget("checkpoint", mutator: CheckpointMutator()) { bytes in
    let file = FuzzFile("latest.snugstate")
    file.write(bytes)
    guard let reader = try? CheckpointReader(path: file.path) else { return }
    _ = reader.differences(from: .object([]))
    var settings = TrainingSettings()
    settings.patience = 3
    var state = TrainingState(settings, direction: .higherIsBetter)
    guard (try? state.restore(reader.header, path: file.path)) != nil else { return }
    state.add(loss: 1, penalty: 0, norm: 1)
    _ = state.observe(1, epoch: 1)
  }

  /// A model as `convert` reads it: operators decoded, shapes inferred, constants folded.
  private static let canonical = FuzzTarget(
    "import", mutator: ProtobufMutator(words: OnnxWords.all)
  ) { bytes in
    guard var model = try? OnnxReader.read(bytes: bytes, resolver: Catalogue()) else { return }
    _ = try? Pipeline.importCanonical.run(&model.graph)
  }
}
