import Datasets
import Foundation
import TensorCore
import TestSupport
import Testing

@Suite struct FinetuneCommandTests {
  let folder: TemporaryFolder
  let model = Fixtures.path("digits/model.onnx")
  let train = Fixtures.path("digits/train.npz")
  let test = Fixtures.path("digits/test.npz")
  let output: String

  init() throws {
    folder = try TemporaryFolder()
    output = folder.path("out.onnx")
  }

  private func finetune(_ arguments: String...) throws -> SnugProcess {
    // One thread: several runs at a time share this machine's cores.
    try SnugProcess(["finetune", model, "-o", output, "--threads", "1"] + arguments)
  }

  @Test func `the result as JSON is what the contract says`() throws {
    let run = try finetune(
      "--data", train, "--validation", test, "--accumulator-bits", "10", "--epochs", "2",
      "--json")
    #expect(run.status == 0)
    let document = try run.json()
    #expect(document["output"] as? String == output)
    let training = try #require(document["training"] as? [String: Any])
    #expect(training["steps"] as? Int == 34 && training["epochs"] as? Int == 2)
    for key in ["samples_per_second", "step_seconds_median", "final_loss"] {
      #expect(try #require(training[key] as? Double) > 0, "\(key)")
    }
    for key in ["metric_float", "metric_quantized"] {
      let metric = try #require(document[key] as? [String: Any])
      #expect(Set(metric.keys) == ["metric", "value"], "\(key)")
    }
    let report = try #require(document["report"] as? [String: Any])
    #expect(report["certified"] as? Bool == true)
    let seconds = try #require(document["seconds"] as? [String: Any])
    #expect(try #require(seconds["finetune"] as? Double) > 0)
    #expect(try SnugProcess("verify", output).status == 0)
    // Progress goes elsewhere: of a run this short, the first step and the last.
    let lines = run.error.split(separator: "\n")
    #expect(lines.count == 2)
    #expect(lines.first?.hasPrefix("epoch 1/2, step 1/34, ") ?? false)
    #expect(lines.last?.hasPrefix("epoch 2/2, step 34/34, ") ?? false)
  }

  @Test func `convert with epochs trains, and without leaves its training options unused`() throws {
    let shared = ["convert", model, "-o", output, "--data", train, "--threads", "1"]
    let trained = try SnugProcess(shared + ["--epochs", "1"])
    #expect(trained.status == 0)
    #expect(trained.output.contains("\nTrained: 17 steps in 1 epoch, "))
    let plain = try SnugProcess(shared + ["--log", folder.path("log.csv")])
    #expect(plain.status == 0 && !plain.output.contains("Trained: "))
    #expect(
      plain.error
        == "warning: --checkpoint-dir, --log and --plot have no effect without --epochs\n")
    #expect(try folder.contents() == ["out.onnx"])
  }

  @Test func `training brings back the accuracy that a narrow accumulator costs`() throws {
    let run = try finetune(
      "--data", train, "--validation", test, "--method", "exact", "--accumulator-bits", "7",
      "--epochs", "20",
      "--learning-rate", "0.01", "--json")
    let document = try run.json()
    let trained = try #require(document["metric_quantized"] as? [String: Any])["value"] as? Double
    let converted = try SnugProcess(
      "convert", model, "-o", output, "--data", train, "--validation", test,
      "--accumulator-bits", "7", "--json", "--threads", "1"
    ).json()
    let before = try #require(converted["metric_quantized"] as? [String: Any])["value"] as? Double
    #expect(try #require(trained) > #require(before) + 10)
  }

  @Test func `logs and curves are written, a recipe's training options count, and flags win`()
    throws
  {
    let recipe = try folder.write(
      Array("epochs: 5\nbatch-size: 128\noptimizer: sgd\nschedule: 'step:1:0.5'\n".utf8),
      to: "recipe.yaml")
    let run = try finetune(
      "--data", train, "--recipe", recipe, "--epochs", "2", "--log", folder.path("l.csv"),
      "--log", folder.path("l.jsonl"), "--plot", folder.path("p.svg"), "--json")
    let training = try #require(try run.json()["training"] as? [String: Any])
    #expect(training["steps"] as? Int == 16)
    let csv = try String(contentsOfFile: folder.path("l.csv"), encoding: .utf8)
    let rows = csv.split(separator: "\n").map { $0.split(separator: ",") }
    #expect(rows.map { $0[0] } == ["step", "8", "16"])
    #expect(rows.dropFirst().map { $0[2] } == ["0.001", "0.0005"])
    let lines = try String(contentsOfFile: folder.path("l.jsonl"), encoding: .utf8)
    #expect(lines.split(separator: "\n").count == 2)
    let plot = try String(contentsOfFile: folder.path("p.svg"), encoding: .utf8)
    #expect(plot.hasPrefix("<svg"))
  }

  @Test func `samples without labels do where the float model is imitated`() throws {
    let data = folder.path("x.npy")
    var random = SplitMix(seed: 6)
    let values = (0..<200 * 64).map { _ in Float.random(in: 0...1, using: &random) }
    try NpyFile.write(Tensor(values, shape: [200, 1, 8, 8]), to: data)
    let run = try finetune("--data", data, "--epochs", "2", "--json")
    #expect(run.status == 0)
    #expect((try run.json()["training"] as? [String: Any])?["steps"] as? Int == 6)
    let labelled = try finetune("--data", data, "--loss", "cross-entropy")
    #expect(labelled.status == 2)
    #expect(
      labelled.error
        == "error: \(model): \(data): has no labels for the loss cross-entropy; use --loss distill, which needs none\n"
    )
  }

  @Test(arguments: [
    ("--epochs 1", 64, "error: training needs samples; give --data, or --epochs 0\n"),
    ("--schedule linear", 64, "error: --schedule: 'linear' is no schedule; give constant"),
    ("--augment spin", 64, "error: --augment: augmentation 'spin' is not known; give"),
    ("--warm-up soon", 64, "error: --warm-up: 'soon' is no warm-up; give none"),
    ("--optimizer lion", 64, "error: --optimizer is lion; allowed: sgd, adam, adamw"),
    ("--learning-rate nan", 64, "error: --learning-rate is nan; allowed: positive numbers"),
    ("--learning-rate=-1", 64, "error: --learning-rate is -1.0; allowed: positive numbers"),
    (
      "--checkpoint-minutes 1e308", 64,
      "error: --checkpoint-minutes is 1e+308; allowed: above 0 to 1000000"
    ),
    (
      "--checkpoint-minutes nan", 64,
      "error: --checkpoint-minutes is nan; allowed: above 0 to 1000000"
    ),
    ("--momentum 1", 64, "error: --momentum is 1.0; allowed: 0 to below 1"),
    ("--weight-decay=-1", 64, "error: --weight-decay is -1.0; allowed: 0 and positive numbers"),
    ("--batch-size 0", 64, "error: --batch-size is 0; allowed: 1 to 65536"),
    (
      "--log a.csv --log b.csv", 64,
      "error: --log is given twice for one format; give one CSV and one .jsonl file"
    ),
    (
      "--data D --log out.onnx", 2,
      "error: --log 'out.onnx' is the same file as --output 'out.onnx'"
    ),
    ("--data D --plot M", 2, "error: --plot 'M' is the same file as the model 'M'; name another"),
    ("--data D --checkpoint-dir file", 3, "error: cannot write 'file': Not a directory"),
    ("--data D --log none/log.csv", 3, "error: cannot write 'none/log.csv': No such file"),
    ("--data D --augment patch=4", 2, "error: "),
    ("--data D --checkpoint-dir foreign", 2, "error: foreign/latest.snugstate: is not a training "),
  ])
  func `what can't be trained is one line and its status, and nothing is written`(
    arguments: String, status: Int32, line: String
  ) throws {
    _ = try folder.write(Array("a file".utf8), to: "file")
    let foreign = folder.url.appending(path: "foreign")
    try FileManager.default.createDirectory(at: foreign, withIntermediateDirectories: true)
    try Data("no state at all".utf8).write(to: foreign.appending(path: "latest.snugstate"))
    let run = try SnugProcess(
      ["finetune", model, "-o", "out.onnx", "--threads", "1"]
        + arguments.split(separator: " ").map { $0 == "D" ? train : $0 == "M" ? model : "\($0)" },
      in: folder.url)
    #expect(run.status == status)
    #expect(run.error.hasPrefix(line.replacing("'M'", with: "'\(model)'")))
    #expect(status == 64 || run.error.count { $0 == "\n" } == 1, "\(run.error)")
    #expect(run.output.isEmpty)
    #expect(try folder.contents() == ["file", "foreign"])
  }

  @Test func `a diverging training names step and layer, and writes nothing`() throws {
    let run = try finetune(
      "--data", train, "--optimizer", "sgd", "--learning-rate", "1e30", "--epochs", "1", "-q")
    #expect(run.status == 2)
    #expect(run.error.hasPrefix("error: \(model): training diverged at step 2 (epoch 1): "))
    #expect(run.error.contains("use a lower --learning-rate"))
    #expect(run.error.count { $0 == "\n" } == 1)
    #expect(try folder.contents().isEmpty)
  }
}
