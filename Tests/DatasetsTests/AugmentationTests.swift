import Testing

@testable import Datasets

@Suite struct AugmentationTests {
  @Test(arguments: [
    ("none", "none"), (" flip , crop=4,jitter=0.2", "flip,crop=4,jitter=0.2"),
    ("vflip,patch=96", "vflip,patch=96"), ("crop = 0", "none"),
    ("brightness=0.1,contrast=0.1,saturation=0.1", "jitter=0.1"),
    ("saturation=1.5,brightness=0.25", "brightness=0.25,saturation=1.5"),
    ("jitter=1e-3", "jitter=0.001"),
  ])
  func `a text is read, and its description is read as the same`(
    text: String, description: String
  ) throws {
    let augmentation = try Augmentation(parsing: text)
    #expect("\(augmentation)" == description)
    #expect(try Augmentation(parsing: description) == augmentation)
  }

  @Test func `each item sets its own field`() throws {
    #expect(
      try Augmentation(parsing: "flip,crop=4,contrast=0.5,patch=48")
        == Augmentation(flipsHorizontally: true, cropPadding: 4, contrast: 0.5, patch: 48))
    #expect(try Augmentation(parsing: "vflip") == Augmentation(flipsVertically: true))
  }

  @Test(
    arguments: [
      ("", .unknown(item: "")), ("flip,", .unknown(item: "")), ("mixup", .unknown(item: "mixup")),
      ("none,flip", .unknown(item: "none")), ("flip,flip", .repeated(item: "flip")),
      ("jitter=0.1,contrast=0.2", .repeated(item: "contrast=0.2")),
      ("flip=1", .value(item: "flip=1", expected: "flip")),
      ("crop", .value(item: "crop", expected: "crop= and a whole number from 0 to 1024")),
      ("crop=-1", .value(item: "crop=-1", expected: "crop= and a whole number from 0 to 1024")),
      ("crop=1e9", .value(item: "crop=1e9", expected: "crop= and a whole number from 0 to 1024")),
      ("patch=0", .value(item: "patch=0", expected: "patch= and a whole number from 1 to 8192")),
      ("jitter=nan", .value(item: "jitter=nan", expected: "jitter= and a number from 0 to 10")),
      ("jitter=-0.1", .value(item: "jitter=-0.1", expected: "jitter= and a number from 0 to 10")),
    ] as [(String, AugmentationError)])
  func `a text of anything else is refused by its item`(text: String, error: AugmentationError) {
    #expect(throws: error) { try Augmentation(parsing: text) }
  }

  @Test func `an error says what to give`() {
    #expect(
      "\(AugmentationError.value(item: "flip=1", expected: "flip"))"
        == "augmentation 'flip=1' is not valid; give flip")
    #expect("\(AugmentationError.unknown(item: "mixup"))".contains("'flip', 'vflip', 'crop=4'"))
  }

  @Test func `draws use all of their range evenly`() throws {
    let augmentation = try Augmentation(parsing: "flip,crop=2,jitter=0.4")
    let draws = (0..<10_000 as Range<UInt64>).map { AugmentationDraw(augmentation, seed: $0) }
    #expect(abs(draws.count { $0.mirrorsHorizontally } - 5_000) < 200)
    #expect(draws.allSatisfy { !$0.mirrorsVertically })
    let size = ImageSize(width: 8, height: 8)
    let places = draws.map { $0.window(of: size, padding: 2) }
    for offset in -2...2 {
      #expect(abs(places.count { $0.x == offset } - 2_000) < 200)
      #expect(abs(places.count { $0.y == offset } - 2_000) < 200)
    }
    #expect(places.allSatisfy { abs($0.x) <= 2 && abs($0.y) <= 2 && $0.size == size })
    #expect(draws.allSatisfy { (0.6...1.4).contains($0.brightness) })
    #expect(abs(draws.map(\.contrast).reduce(0, +) / 10_000 - 1) < 0.01)
  }

  @Test func `leaving out one change keeps the draws of the others`() throws {
    for seed in 0..<20 as Range<UInt64> {
      let all = AugmentationDraw(try Augmentation(parsing: "flip,crop=4,jitter=0.2"), seed: seed)
      let crop = AugmentationDraw(try Augmentation(parsing: "crop=4"), seed: seed)
      #expect(all.horizontal == crop.horizontal && all.vertical == crop.vertical)
      #expect(crop.brightness == 1 && !crop.mirrorsHorizontally)
    }
  }

  @Test func `a factor is never below 0`() throws {
    let augmentation = try Augmentation(parsing: "jitter=10")
    let factors = (0..<100 as Range<UInt64>).map {
      AugmentationDraw(augmentation, seed: $0).saturation
    }
    #expect(factors.contains(0) && factors.allSatisfy { $0 >= 0 })
  }
}
