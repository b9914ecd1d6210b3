import CSnug
import Snug
import Synchronization
import TensorCore

/// A model that is ready to run, used by one thread at a time.
final class SessionHandle: Handle {
  private let turn = Mutex(())
  nonisolated(unsafe) private let runner: ModelRunner
  let inputs: [HeldText]
  let outputs: [HeldText]
  let inputNames: [String]

  init(_ runner: ModelRunner) {
    self.runner = runner
    inputNames = runner.inputNames
    inputs = runner.inputNames.map { HeldText($0) }
    outputs = runner.outputNames.map { HeldText($0) }
  }

  func run(_ feeds: [String: Tensor]) throws(SnugError) -> [Tensor] {
    let result = turn.withLock { _ -> Result<[Tensor], SnugError> in
      do throws(SnugError) {
        return .success(try runner.run(feeds).map(\.tensor))
      } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }
}

@c @implementation
public func snug_session_new(
  _ model: OpaquePointer?, _ options: UnsafePointer<CChar>?, _ error: ErrorPlace?
) -> OpaquePointer? {
  handingErrors(to: error) {
    let shapes = try JobOptions.shapes(String(given: options) ?? "").inputShapes()
    return SessionHandle(try ModelRunner(given(model).file, shapes)).retained
  }
}

@c @implementation
public func snug_session_input_count(_ session: OpaquePointer?) -> Int {
  SessionHandle.at(session)?.inputs.count ?? 0
}

@c @implementation
public func snug_session_output_count(_ session: OpaquePointer?) -> Int {
  SessionHandle.at(session)?.outputs.count ?? 0
}

@c @implementation
public func snug_session_input_name(
  _ session: OpaquePointer?, _ index: Int
) -> UnsafePointer<CChar>? {
  guard let names = SessionHandle.at(session)?.inputs, names.indices.contains(index) else {
    return nil
  }
  return names[index].pointer
}

@c @implementation
public func snug_session_output_name(
  _ session: OpaquePointer?, _ index: Int
) -> UnsafePointer<CChar>? {
  guard let names = SessionHandle.at(session)?.outputs, names.indices.contains(index) else {
    return nil
  }
  return names[index].pointer
}

@c @implementation
public func snug_session_run(
  _ session: OpaquePointer?, _ inputs: UnsafePointer<snug_tensor>?, _ inputCount: Int,
  _ outputs: UnsafeMutablePointer<snug_tensor>?, _ outputCount: Int, _ error: ErrorPlace?
) -> Int32 {
  codeOfErrors(to: error) {
    guard let session = SessionHandle.at(session) else {
      throw Diagnostic.argument("session", "is NULL")
    }
    guard outputCount == session.outputs.count, outputCount == 0 || outputs != nil else {
      throw Diagnostic.argument(
        "outputs", "has \(outputCount) places; the model has \(session.outputs.count) outputs")
    }
    var feeds: [String: Tensor] = [:]
    for index in 0..<inputCount {
      guard let tensor = inputs?[index] else { throw Diagnostic.argument("inputs", "is NULL") }
      guard
        let name = String(given: tensor.name)
          ?? (session.inputNames.indices.contains(index) ? session.inputNames[index] : nil)
      else { throw Diagnostic.argument("inputs", "has more tensors than the model has inputs") }
      feeds[name] = try Tensor(tensor, "inputs[\(index)]")
    }
    var isRoomy = true
    for (index, tensor) in try session.run(feeds).enumerated() {
      guard tensor.elementType.bitWidth ?? 0 >= 8, tensor.shape.count <= Int(SNUG_MAX_RANK) else {
        throw Diagnostic.argument("outputs[\(index)]", "can't hold \(tensor.type)")
      }
      if let place = outputs?.advanced(by: index), !place.pointee.take(tensor) { isRoomy = false }
    }
    guard isRoomy else {
      throw Diagnostic.argument("outputs", "has too little room; byte_count says what is needed")
    }
  }
}

@c @implementation
public func snug_session_free(_ session: OpaquePointer?) { SessionHandle.free(session) }
