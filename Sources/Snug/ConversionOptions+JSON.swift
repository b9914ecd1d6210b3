import Quantization
import TensorCore
import Training

extension ConversionOptions {
  /// What decides the result, with the keys of a recipe file; paths and threads are not part of it.
  ///
  /// JSON is YAML, so the text is a recipe that repeats the conversion.
  public var recipeJSON: JSONValue {
    var members: [JSONMember] = [
      JSONMember("method", .string(recipe.method.rawValue)),
      JSONMember("weight-bits", JSONValue(recipe.weightBits)),
      JSONMember("activation-bits", JSONValue(recipe.activationBits)),
      JSONMember("accumulator-bits", JSONValue(recipe.accumulatorBits)),
      JSONMember("io-bits", JSONValue(recipe.ioBits)),
      JSONMember("init", .string(recipe.initializer.rawValue)),
      JSONMember("refine", .string(recipe.refine.rawValue)),
      JSONMember("scale-search", .string(recipe.scaleSearch.rawValue)),
      JSONMember("rounding", .string(recipe.rounding.rawValue)),
      JSONMember("depthwise", .string(recipe.depthwiseMethod.rawValue)),
      JSONMember("bias-correction", .bool(recipe.biasCorrection)),
      JSONMember("activation-range", .string(recipe.rangeEstimator.rawValue)),
      JSONMember(
        "activation-width", .string(recipe.searchesActivationWidth ? "searched" : "fixed")),
      JSONMember("reconstruction-steps", JSONValue(recipe.reconstructionSteps ?? 0)),
      JSONMember("equalization", .bool(recipe.equalizes)),
      JSONMember("scale-type", .string(recipe.scaleType.rawValue)),
      JSONMember("fold-batch-normalization", .bool(recipe.foldBatchNormalization)),
      JSONMember("input-unsigned", .bool(recipe.inputUnsigned)),
      JSONMember("calibration-samples", JSONValue(recipe.calibrationSamples)),
      JSONMember("format", .string(format.rawValue)),
      JSONMember("seed", JSONValue(seed)),
    ]
    if let biasBits = recipe.biasBits {
      members.append(JSONMember("bias-bits", JSONValue(biasBits)))
    }
    if let tileSize = recipe.tileSize {
      members.append(JSONMember("tile-size", JSONValue(tileSize)))
    }
    if let outer = recipe.outerBits { members.append(JSONMember("outer-bits", JSONValue(outer))) }
    members += preprocessing.members
    if training.epochs > 0 {
      members.append(JSONMember("gradient", .string(recipe.gradient.rawValue)))
      members += training.members
    }
    if !recipe.layers.isEmpty {
      members.append(JSONMember("layers", .array(recipe.layers.map(\.json))))
    }
    return .object(members)
  }
}

extension TrainingSettings {
  /// What decides a training, with the keys of a recipe file.
  var members: [JSONMember] {
    var members: [JSONMember] = [
      JSONMember("epochs", JSONValue(epochs)), JSONMember("batch-size", JSONValue(batchSize)),
      JSONMember("learning-rate", .number(learningRate)),
      JSONMember("optimizer", .string(optimizer.kind.rawValue)),
      JSONMember("momentum", .number(optimizer.momentum)),
      JSONMember("weight-decay", .number(optimizer.weightDecay)),
      JSONMember("schedule", .string("\(schedule)")), JSONMember("warm-up", .string("\(warmUp)")),
      JSONMember("regularization", .number(regularization)),
      JSONMember("label-smoothing", .number(labelSmoothing)),
      JSONMember("temperature", .number(temperature)),
      JSONMember("augment", .string("\(augmentation)")),
      JSONMember(
        "batch-normalization", .string(computation.freezesNormalization ? "frozen" : "batch")),
    ]
    if validationInterval != 1 {
      members.append(JSONMember("validation-interval", JSONValue(validationInterval)))
    }
    if let loss { members.append(JSONMember("loss", .string(loss.rawValue))) }
    if let gradientClipping {
      members.append(JSONMember("clip-gradients", .number(gradientClipping)))
    }
    if let weightAverage { members.append(JSONMember("weight-average", .number(weightAverage))) }
    if let patience { members.append(JSONMember("patience", JSONValue(patience))) }
    return members
  }
}

extension Preprocessing {
  /// The settings that were given.
  fileprivate var members: [JSONMember] {
    var members: [JSONMember] = []
    if !normalization.mean.isEmpty {
      members.append(JSONMember("mean", .array(normalization.mean.map { .number($0) })))
    }
    if !normalization.std.isEmpty {
      members.append(JSONMember("std", .array(normalization.std.map { .number($0) })))
    }
    if normalization.inputScale != 1 {
      members.append(JSONMember("input-scale", .number(normalization.inputScale)))
    }
    if let task { members.append(JSONMember("task", .string(task.rawValue))) }
    if let upscaleFactor { members.append(JSONMember("scale", JSONValue(upscaleFactor))) }
    return members
  }
}

extension Recipe.LayerOverride {
  fileprivate var json: JSONValue {
    var members = [JSONMember("match", .string(match))]
    if let quantize { members.append(JSONMember("quantize", .bool(quantize))) }
    if let method { members.append(JSONMember("method", .string(method.rawValue))) }
    let widths: [(String, Int?)] = [
      ("weight-bits", weightBits), ("activation-bits", activationBits),
      ("accumulator-bits", accumulatorBits), ("bias-bits", biasBits),
      ("tile-size", tileSize), ("outer-bits", outerBits),
    ]
    for case (let name, let bits?) in widths { members.append(JSONMember(name, JSONValue(bits))) }
    return .object(members)
  }
}
