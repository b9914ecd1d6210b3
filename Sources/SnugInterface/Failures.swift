import CSnug
import Snug

/// Where a caller wants an error.
public typealias ErrorPlace = UnsafeMutablePointer<OpaquePointer?>

/// A failure, with its texts as C strings.
final class ErrorHandle: Handle {
  let code: Int32
  let line: HeldText
  let message: HeldText
  let file: HeldText?
  let node: HeldText?
  let hint: HeldText?

  init(_ diagnostic: Diagnostic) {
    code = diagnostic.exitStatus
    line = HeldText(PrivateFolder.hidden(in: diagnostic.description))
    message = HeldText(PrivateFolder.hidden(in: diagnostic.message))
    file = diagnostic.file.map { HeldText(PrivateFolder.hidden(in: $0)) }
    node = diagnostic.subject.map { HeldText($0) }
    hint = diagnostic.hint.map { HeldText($0) }
  }
}

/// Runs `body`; what it throws goes to the caller's place for an error.
///
/// - Returns: `nil` where it has failed.
func handingErrors<T>(to place: ErrorPlace?, _ body: () throws -> T) -> T? {
  do {
    return try body()
  } catch {
    place?.pointee = ErrorHandle(diagnostic(of: error)).retained
    return nil
  }
}

/// The same for functions that return a code.
func codeOfErrors(to place: ErrorPlace?, _ body: () throws -> Void) -> Int32 {
  do {
    try body()
    return Int32(SNUG_OK)
  } catch {
    let diagnostic = diagnostic(of: error)
    place?.pointee = ErrorHandle(diagnostic).retained
    return diagnostic.exitStatus
  }
}

private func diagnostic(of error: any Error) -> Diagnostic {
  switch error {
  case let error as SnugError: error.diagnostic
  case let error as Diagnostic: error
  case let error as DatasetError: SnugError.dataset(error).diagnostic
  default: Diagnostic(.model, "\(error)")
  }
}

extension Diagnostic {
  /// An argument of a function that it can't work with.
  static func argument(_ name: String, _ problem: String) -> Diagnostic {
    Diagnostic(.options, subject: "argument '\(name)'", problem)
  }
}

@c @implementation
public func snug_error_code(_ error: OpaquePointer?) -> Int32 {
  ErrorHandle.at(error)?.code ?? Int32(SNUG_OK)
}

@c @implementation
public func snug_error_line(_ error: OpaquePointer?) -> UnsafePointer<CChar>? {
  ErrorHandle.at(error)?.line.pointer
}

@c @implementation
public func snug_error_message(_ error: OpaquePointer?) -> UnsafePointer<CChar>? {
  ErrorHandle.at(error)?.message.pointer
}

@c @implementation
public func snug_error_file(_ error: OpaquePointer?) -> UnsafePointer<CChar>? {
  ErrorHandle.at(error)?.file?.pointer
}

@c @implementation
public func snug_error_node(_ error: OpaquePointer?) -> UnsafePointer<CChar>? {
  ErrorHandle.at(error)?.node?.pointer
}

@c @implementation
public func snug_error_hint(_ error: OpaquePointer?) -> UnsafePointer<CChar>? {
  ErrorHandle.at(error)?.hint?.pointer
}

@c @implementation
public func snug_error_free(_ error: OpaquePointer?) { ErrorHandle.free(error) }
