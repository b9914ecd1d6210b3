import Datasets
import GraphIR
import Quantization
import Reporting
import TensorCore
import Training

extension ModelFile {
  /// Converts the float model once for each point of a sweep, measures what each keeps, and writes tables, a figure and a
  /// page to a folder.
  ///
  /// A row is on disk as soon as it is known. A sweep that is called again with the same options, model and data goes on
  /// from what the folder holds, and more points may be asked for; the files are the same as without an interruption.
  ///
  /// - Parameters:
  ///   - folder: made where it is missing; nothing but files of this sweep is replaced in it.
  ///   - paths: what the caller reads and writes besides.
  ///   - onRow: called with each row that this run finds, and with how many of all points are known then.
  /// - Throws: ``SnugError`` where model, data or options can't be used, the folder holds another sweep, or an output
  ///   can't be written. A point that can't be converted is a row that says why.
  public func sweep(
    to folder: String, _ options: SweepOptions, paths: JobPaths = JobPaths(),
    observer: TrainingObserver = TrainingObserver(),
    progress: @escaping ProgressHandler = { _ in },
    onRow: @escaping @Sendable (SweepRow, SweepResult, _ done: Int, _ total: Int) -> Void = {
      _, _, _, _ in
    }
  ) throws(SnugError) -> SweepResult {
    var paths = paths
    paths.readModel(path)
    paths.write(folder, .sweep, as: "--output")
    paths.add(options.conversion)
    try paths.check()
    guard let data = options.conversion.data else { throw .sweepWithoutData }
    if options.conversion.training.epochs > 0, options.conversion.validation == nil {
      throw .sweepWithoutValidation
    }
    let place = try SweepFolder(folder)
    let job = try SweepJob(
      file: self, options: options, data: data, folder: place, observer: observer,
      progress: progress)
    return try job.run(onRow)
  }
}
