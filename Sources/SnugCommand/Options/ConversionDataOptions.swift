import ArgumentParser
import Snug

/// The samples that a conversion reads.
struct ConversionDataOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Samples for calibration and, with --epochs, for training: a folder of images or of class folders, .npz, .npy, CIFAR-10 *.bin, IDX, or TensorProto .pb files; labels are used by training alone (default: none).",
      valueName: "path"))
  var data: InputPath?

  @Option(
    help: ArgumentHelp(
      "Held-out samples with labels or targets, to measure the model before and after (default: none).",
      valueName: "path"))
  var validation: InputPath?

  /// Puts the flags that were given over `options`.
  func apply(to options: inout ConversionOptions) {
    if let data { options.data = data.path }
    if let validation { options.validation = validation.path }
  }
}
