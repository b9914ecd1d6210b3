import Foundation
import TestSupport
import Testing

/// The Python package, by its own tests against the library that was built beside these.
@Suite struct PythonTests {
  /// Whether the Python of the peers has what runs the tests.
  static let hasPytest =
    (try? Peers.runPython("import pytest, jsonschema, numpy"))?.status == 0

  @Test(.enabled(if: hasPytest, "skipped: SNUG_TEST_PYTHON has no numpy, pytest and jsonschema"))
  func `the Python package passes its own tests`() throws {
    setenv("SNUG_LIBRARY", InterfaceTests.library.path, 1)
    setenv("PYTHONPATH", Fixtures.repository.appending(path: "python").path, 1)
    let result = try Peers.runPython(
      "import pytest, sys; sys.exit(pytest.main(sys.argv[1:]))",
      [
        "-q", "-p", "no:cacheprovider", Fixtures.repository.appending(path: "python/tests").path,
      ])
    #expect(result.status == 0, "\(result.output)\(result.errors)")
    #expect(result.output.contains(" passed"))
  }
}
