import Datasets
import Training

extension RecipeKeys {
  static let training: [RecipeKey] = [
    RecipeKey(name: "epochs") { (value, options) throws(RecipeFileError) in
      options.training.epochs = try value.integer(in: 0...100_000, "0 to 100000")
    },
    RecipeKey(name: "batch-size") { (value, options) throws(RecipeFileError) in
      options.training.batchSize = try value.integer(in: 1...65536, "1 to 65536")
    },
    RecipeKey(name: "learning-rate") { (value, options) throws(RecipeFileError) in
      options.training.learningRate = try value.positive()
    },
    RecipeKey(name: "optimizer") { (value, options) throws(RecipeFileError) in
      options.training.optimizer.kind = try value.choice()
    },
    RecipeKey(name: "momentum") { (value, options) throws(RecipeFileError) in
      options.training.optimizer.momentum = try value.fraction()
    },
    RecipeKey(name: "weight-decay") { (value, options) throws(RecipeFileError) in
      options.training.optimizer.weightDecay = try value.notNegative()
    },
    RecipeKey(name: "schedule") { (value, options) throws(RecipeFileError) in
      let text = try value.string()
      do throws(ScheduleError) {
        options.training.schedule = try LearningRateSchedule(parsing: text)
      } catch { throw value.expected("\(error)") }
    },
    RecipeKey(name: "warm-up") { (value, options) throws(RecipeFileError) in
      let text = try value.string()
      do throws(ScheduleError) { options.training.warmUp = try WarmUp(parsing: text) } catch {
        throw value.expected("\(error)")
      }
    },
    RecipeKey(name: "regularization") { (value, options) throws(RecipeFileError) in
      options.training.regularization = try value.notNegative()
    },
    RecipeKey(name: "gradient") { (value, options) throws(RecipeFileError) in
      options.recipe.gradient = try value.choice()
    },
    RecipeKey(name: "loss") { (value, options) throws(RecipeFileError) in
      options.training.loss = try value.choice(LossKind.self)
    },
    RecipeKey(name: "label-smoothing") { (value, options) throws(RecipeFileError) in
      options.training.labelSmoothing = try value.fraction()
    },
    RecipeKey(name: "temperature") { (value, options) throws(RecipeFileError) in
      options.training.temperature = try value.positive()
    },
    RecipeKey(name: "augment") { (value, options) throws(RecipeFileError) in
      let text = try value.string()
      do throws(AugmentationError) {
        options.training.augmentation = try Augmentation(parsing: text)
      } catch { throw value.expected("\(error)") }
    },
    RecipeKey(name: "batch-normalization") { (value, options) throws(RecipeFileError) in
      let mode: NormalizationMode = try value.choice()
      options.training.computation.freezesNormalization = mode == .frozen
    },
    RecipeKey(name: "clip-gradients") { (value, options) throws(RecipeFileError) in
      options.training.gradientClipping = try value.positive()
    },
    RecipeKey(name: "weight-average") { (value, options) throws(RecipeFileError) in
      options.training.weightAverage = try value.fraction()
    },
    RecipeKey(name: "validation-interval") { (value, options) throws(RecipeFileError) in
      options.training.validationInterval = try value.integer(in: 1...100_000, "1 to 100000")
    },
    RecipeKey(name: "patience") { (value, options) throws(RecipeFileError) in
      options.training.patience = try value.integer(in: 0...100_000, "0 to 100000")
    },
  ]
}

/// Which statistics batch normalisation trains with.
public enum NormalizationMode: String, Sendable, Hashable, CaseIterable {
  /// Those of the batch, which enter the running ones.
  case batch
  /// The running ones, which stay.
  case frozen
}

extension RecipeValue {
  fileprivate func positive() throws(RecipeFileError) -> Double {
    let value = try number()
    guard value > 0 else { throw notAllowed("\(value)", allowed: "positive numbers") }
    return value
  }

  fileprivate func notNegative() throws(RecipeFileError) -> Double {
    let value = try number()
    guard value >= 0 else { throw notAllowed("\(value)", allowed: "0 and positive numbers") }
    return value
  }

  fileprivate func fraction() throws(RecipeFileError) -> Double {
    let value = try number()
    guard (0..<1).contains(value) else { throw notAllowed("\(value)", allowed: "0 to below 1") }
    return value
  }
}
