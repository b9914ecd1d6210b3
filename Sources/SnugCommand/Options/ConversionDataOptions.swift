import ArgumentParser
import Snug

/// The files that a conversion reads besides the model.
struct ConversionDataOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "YAML file with any of these options as 'name: value', and overrides for single layers under 'layers'; an option of the command line wins over the file.",
      valueName: "file.yaml"))
  var recipe: InputPath?

  @Option(
    help: ArgumentHelp(
      "Samples for calibration and, with --epochs, for training: a folder of images or of class folders, .npz, .npy, a folder with one .npz a sample for a model of any inputs, CIFAR-10 *.bin, IDX, or TensorProto .pb files; labels are used by training alone (default: none).",
      valueName: "path"))
  var data: InputPath?

  @Option(
    help: ArgumentHelp(
      "Held-out samples with labels or targets, to measure the model before and after (default: none).",
      valueName: "path"))
  var validation: InputPath?

  /// Puts what was given over `options`.
  func apply(to options: inout ConversionOptions) {
    if let data { options.data = data.path }
    if let validation { options.validation = validation.path }
  }
}
