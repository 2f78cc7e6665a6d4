#include "formats/npy/header.hpp"

#include <fmt/format.h>

#include <charconv>
#include <utility>

#include "support/text.hpp"

namespace elves::formats::npy {
namespace {

constexpr std::size_t kMaxDimensions = 64;
constexpr std::size_t kMaxDepth = 32;

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/// Reads a Python literal from front to back. The first error ends the reading; `why()` describes it.
class HeaderReader {
 public:
  explicit HeaderReader(std::string_view text) : text_(text) {}

  const std::string& why() const { return why_; }

  bool read(Header& header) {
    if (!expect('{')) return false;
    while (!accept('}')) {
      std::string key;
      if (!string(key) || !expect(':') || !value(key, header)) return false;
      if (!accept(',') && peek() != '}') return refuse("expected ',' or '}'");
    }
    (void)peek();
    if (at_ < text_.size()) return refuse("bytes follow the dict");
    return fields_ == kAllFields || refuse("'descr', 'fortran_order' or 'shape' is missing");
  }

 private:
  static constexpr unsigned kDescr = 1, kOrder = 2, kShape = 4, kAllFields = 7;

  bool refuse(const std::string& why) {
    why_ = fmt::format("header: {} (at its byte {})", why, at_);
    return false;
  }

  /// Skips spaces and returns the next character; 0 at the end.
  char peek() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t')) ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool accept(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  bool expect(char c) { return accept(c) || refuse(fmt::format("expected '{}'", c)); }

  bool value(const std::string& key, Header& header) {
    if (key == "descr") return once(kDescr) && descr(header.descr);
    if (key == "fortran_order") return once(kOrder) && boolean(header.fortran_order);
    if (key == "shape") return once(kShape) && shape(header.shape);
    return refuse("unknown key " + quoted_name(key));
  }
  bool once(unsigned field) {
    return (std::exchange(fields_, fields_ | field) & field) == 0 || refuse("duplicate key");
  }

  /// A quoted string with an optional prefix (u'', b''). Escapes are not interpreted, since names of types have none.
  bool string(std::string& out) {
    if (const char c = peek(); c == 'u' || c == 'b') ++at_;
    const char quote = at_ < text_.size() ? text_[at_] : '\0';
    if (quote != '\'' && quote != '"') return refuse("expected a string");
    for (++at_; at_ < text_.size() && text_[at_] != quote; ++at_) {
      if (text_[at_] == '\\' && ++at_ == text_.size()) break;
      out += text_[at_];
    }
    if (at_ >= text_.size()) return refuse("a string has no end");
    ++at_;
    return true;
  }

  std::string_view word() {
    (void)peek();
    const auto from = at_;
    while (at_ < text_.size() && is_word(text_[at_])) ++at_;
    return text_.substr(from, at_ - from);
  }

  bool boolean(bool& out) {
    const auto text = word();
    out = text == "True";
    return out || text == "False" || refuse("expected True or False");
  }

  /// A length; Python 2 wrote 3L for long numbers.
  bool length(std::uint64_t& out) {
    auto digits = word();
    if (!digits.empty() && digits.back() == 'L') digits.remove_suffix(1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
    if (error == std::errc::result_out_of_range) return refuse("a dimension overflows 64 bits");
    if (error != std::errc{} || end != digits.data() + digits.size()) return refuse("expected a dimension");
    return true;
  }

  bool shape(std::vector<std::uint64_t>& out) {
    if (!expect('(')) return false;
    while (!accept(')')) {
      if (out.size() == kMaxDimensions) return refuse("too many dimensions");
      if (!length(out.emplace_back())) return false;
      if (!accept(',') && peek() != ')') return refuse("expected ',' or ')'");
    }
    return true;
  }

  bool descr(std::string& out) {
    const char c = peek();
    return c == '[' || c == '(' ? skip_nested() : string(out);
  }

  /// Skips a list or tuple: the fields of a struct.
  bool skip_nested() {
    std::string closing;
    do {
      const char c = peek();
      if (c == '[' || c == '(') {
        if (closing.size() == kMaxDepth) return refuse("nested too deeply");
        closing += c == '[' ? ']' : ')';
        ++at_;
      } else if (c == closing.back()) {
        closing.pop_back();
        ++at_;
      } else if (c == '\'' || c == '"') {
        std::string passed;
        if (!string(passed)) return false;
      } else if (c == ',' || is_word(c)) {
        ++at_;
      } else {
        return refuse("expected a part of a type");
      }
    } while (!closing.empty());
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  unsigned fields_ = 0;
  std::string why_;
};

}  // namespace

Result<Header> read_header(std::string_view text) {
  Header header;
  HeaderReader reader(text);
  if (!reader.read(header)) return Error{reader.why()};
  return header;
}

}  // namespace elves::formats::npy
