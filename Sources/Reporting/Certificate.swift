import TensorCore
import Verification

/// The full certificate for a sidecar file: what is claimed, and for every channel the numbers it rests on.
public struct Certificate: Sendable {
  public var model: ModelSummary
  public var result: VerificationResult

  public init(model: ModelSummary, result: VerificationResult) {
    self.model = model
    self.result = result
  }

  /// The document, members in a fixed order.
  public var json: JSONValue {
    var members: [JSONMember] = [
      JSONMember("schema", "snug.certificate/1"),
      JSONMember("statement", .string(Self.statement)),
      JSONMember("model", model.json),
      JSONMember("certified", .bool(result.isCertified)),
      JSONMember("layers", .array(result.layers.map(\.certificateJSON))),
    ]
    members += result.reasonMembers
    return .object(members)
  }

  /// What `certified` means for a layer.
  static let statement = """
    Every partial sum of a certified layer's products, in any order and for every input in \
    integer_min...integer_max, lies in -2^(P-1)...2^(P-1)-1 with P = target_bits. Inputs and weights \
    are integers less their zero points. Where there is a tile_size, that holds for each run of so many products \
    in the weight tensor's order, and every sum of such runs, and the bias, fits outer_bits likewise. Where bias_included is true, the bias is one more summand; else it \
    is not included.
    """
}
