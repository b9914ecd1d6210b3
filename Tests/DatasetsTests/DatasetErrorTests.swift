import OnnxFormat
import TensorCore
import Testing

@testable import Datasets

@Suite struct DatasetErrorTests {
  @Test(
    arguments: [
      (.notRegularFile(path: "d"), "d: is neither a file nor a folder; give one of these"),
      (
        .unrecognized(path: "d"),
        "d: holds no data of a known kind; give a folder of class folders of JPEG or PNG images, "
          + "a folder of images, an .npz with 'x' (and 'y'), a folder of .npz files that are a sample "
          + "each, an .npy, CIFAR-10 *.bin batches, "
          + "IDX files (*-images-idx3-ubyte) or TensorProto files (input_0.pb)"
      ),
      (
        .ambiguous(path: "d", choices: ["test", "train"]),
        "d: holds several data sets; give one of them: 'test', 'train'"
      ),
      (.empty(path: "d", what: "'x'"), "d: 'x' is empty; at least one sample is needed"),
      (
        .truncated(path: "d", needed: 9, available: 4),
        "d: is truncated: 9 bytes are needed, 4 are there; copy it again"
      ),
      (
        .malformed(path: "d", format: .npy, field: "header", expected: "'shape'", actual: "none"),
        "d: is not a valid .npy file: header is none, expected 'shape'"
      ),
      (
        .codec(path: "d", format: .jpeg, message: "Premature end of JPEG file"),
        "d: is not a valid JPEG file: Premature end of JPEG file; replace or remove it"
      ),
      (
        .unsupported(path: "d", format: .jpeg, feature: "CMYK colours"),
        "d: JPEG with CMYK colours is not supported; convert it"
      ),
      (.missingEntry(path: "d", entry: "x", found: ["a", "b"]), "d: has no 'x'; found: 'a', 'b'"),
      (.missingEntry(path: "d", entry: "x", found: []), "d: has no 'x'; found: nothing"),
      (
        .elementType(path: "d", field: "y", expected: "labels as integers", actual: "float"),
        "d: 'y' holds float; expected labels as integers: convert it"
      ),
      (
        .shape(path: "d", field: "x", expected: "Nx1x28x28", actual: [6, 2, 3, 4]),
        "d: 'x' is 6x2x3x4; the model needs Nx1x28x28"
      ),
      (
        .noReference(path: "d", needed: .labels),
        "d: has no labels, which this needs; give class folders of images, or "
          + "an .npz with 'x' and 'y'"
      ),
      (
        .noReference(path: "d", needed: .targets),
        "d: has no targets, which this needs; give an .npz with 'x' and 'y'"
      ),
      (
        .nonFinite(path: "d", field: "x", sample: 3),
        "d: 'x' holds NaN or an infinity in sample 3; remove it"
      ),
      (
        .labelOutOfRange(path: "d", sample: 3, label: 12, classes: 10),
        "d: sample 3 has label 12, outside 0..<10, the model's classes"
      ),
      (
        .labelOutOfRange(path: "d", sample: 3, label: -1, classes: nil),
        "d: sample 3 has label -1; labels count from 0"
      ),
      (
        .sampleCount(path: "d", field: "y", expected: 5, actual: 4),
        "d: 'y' holds 4 samples where 5 are needed, one for each input"
      ),
      (
        .imageSize(path: "d", input: "in", width: 4, height: 3, expected: "32x32"),
        "d: is 4x3 pixels (width x height), but the model's input 'in' takes 32x32; "
          + "resize the images"
      ),
      (
        .imageTooLarge(path: "d", width: 9, height: 8, limit: 7),
        "d: is 9x8 pixels; at most 7 pixels are decoded"
      ),
      (
        .tooLarge(path: "d", bytes: 9, limit: 7),
        "d: takes 9 bytes of memory; at most 7 are used here: split it"
      ),
      (
        .mixedShapes(path: "d", first: [3, 4, 5], other: [3, 5, 4]),
        "d: samples of shapes 3x4x5 and 3x5x4 don't fit into one batch; use batches of one sample"
      ),
      (
        .constant(name: "ids", problem: "p"),
        "--constant 'ids': p"
      ),
      (
        .imageInput(path: "d", input: "in", type: "float[?x640]"),
        "d: holds images, but the model's input 'in' is float[?x640]; these need a float input "
          + "NxCxHxW or NxHxWxC with 1 or 3 channels: give the data as .npz"
      ),
      (
        .normalization(parameter: "--mean", expected: "1 or 3 values", actual: "2 values"),
        "--mean: expected 1 or 3 values, found 2 values"
      ),
      (
        .superResolution(path: "d", requirement: "a scale from 2 to 64", actual: "1"),
        "d: super-resolution needs a scale from 2 to 64; found 1"
      ),
      (
        .augmentation(path: "d", item: "crop=40", reason: "an image has a side of 32; give less"),
        "d: can't be augmented by 'crop=40': an image has a side of 32; give less"
      ),
      (
        .outputShape(expected: "2x3", actual: []),
        "the model's output is a scalar; the data needs 2x3"
      ),
    ] as [(DatasetError, String)])
  func `the message names the file, what is wrong and what to do`(
    error: DatasetError, message: String
  ) {
    #expect("\(error)" == message)
  }
}
