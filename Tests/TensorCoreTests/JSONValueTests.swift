import Foundation
import Testing

@testable import TensorCore

@Suite struct JSONValueTests {
  static let document: JSONValue = [
    "z": 1, "a": [true, nil, -0.5, "tab\t quote\" \u{1}é🙂"], "empty": [:], "none": [],
    "large": 9_223_372_036_854_775_807, "small": 1e-05,
  ]

  @Test(arguments: [nil, 0, 2] as [Int?])
  func `what is written reads back equal, members in their order`(indentation: Int?) throws {
    let text = Self.document.text(indentation: indentation)
    #expect(try JSONValue(parsing: text) == Self.document)
    #expect(text.contains("\"z\""))
    #expect(throws: Never.self) { try JSONSerialization.jsonObject(with: Data(text.utf8)) }
  }

  @Test func `the compact and the indented form are fixed`() {
    let value: JSONValue = ["b": [1, 2.5], "a": [:]]
    #expect(value.text() == #"{"b":[1,2.5],"a":{}}"#)
    #expect(value.text(indentation: 1) == "{\n \"b\": [\n  1,\n  2.5\n ],\n \"a\": {}\n}")
  }

  @Test func `NaN and infinities are written as null`() {
    #expect(
      JSONValue.array([.number(Double.nan), .number(Float.infinity)]).text() == "[null,null]")
  }

  @Test func `a single-precision number keeps its short form`() {
    #expect(JSONValue(Float(0.1)).text() == "0.1")
  }

  @Test(
    arguments: [
      ("", .unexpectedEnd, 0), ("[1", .unexpectedEnd, 2), ("{\"a\" 1}", .unexpectedByte(0x31), 5),
      ("[1,]", .unexpectedByte(0x5D), 3), ("01", .trailingBytes, 1), ("nul", .unexpectedEnd, 3),
      ("\"\\x\"", .invalidEscape, 3), ("\"\\ud800x\"", .unexpectedByte(0x78), 7),
      ("\"\\udc00\"", .invalidEscape, 7), ("1e999", .numberOutOfRange, 0),
      ("-", .unexpectedEnd, 1), ("[]]", .trailingBytes, 2), ("\"a\nb\"", .unexpectedByte(0x0A), 2),
    ] as [(String, JSONError.Reason, Int)])
  func `malformed text is refused at its byte`(text: String, reason: JSONError.Reason, offset: Int)
  {
    #expect(throws: JSONError(reason: reason, offset: offset)) { try JSONValue(parsing: text) }
  }

  @Test func `a million levels of nesting are refused`() {
    let text = String(repeating: "[", count: 1_000_000)
    #expect(throws: JSONError(reason: .tooDeep(limit: 64), offset: 64)) {
      try JSONValue(parsing: text)
    }
  }

  @Test func `a string that is not UTF-8 is refused`() {
    #expect(throws: JSONError(reason: .invalidUTF8, offset: 2)) {
      try JSONValue(parsing: [0x22, 0xFF, 0x22])
    }
  }

  @Test func `escapes and surrogate pairs are decoded`() throws {
    let value = try JSONValue(parsing: #""\u00e9\ud83d\ude42\/\b""#)
    #expect(value.stringValue == "é🙂/\u{8}")
  }
}
