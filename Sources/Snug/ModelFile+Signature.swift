import GraphIR
import Reporting
import TensorCore

extension ModelFile {
  /// What the model takes and gives, as `inspect --json` says it.
  ///
  /// - Throws: ``SnugError`` where the file can't be read.
  package func signature() throws(SnugError) -> JSONValue {
    .object(ModelPorts(try loadUndecoded().graph).members)
  }
}
