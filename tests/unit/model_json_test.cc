// The JSON writer behind `-o json`.
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace vicinity::base {
namespace {

struct QuoteRow {
  std::string_view text;
  std::string_view quoted;
};

TEST(Json, Quote) {
  const std::vector<QuoteRow> rows = {
      {"", R"("")"},
      {"a/b", R"("a/b")"},
      {"say \"hi\"\\", R"("say \"hi\"\\")"},
      {"a\nb\tc\r", R"("a\nb\tc\r")"},
      {std::string_view("\0\x1f\x7f", 3), R"("\u0000\u001f\u007f")"},
      {"\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80", "\"\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80\""},
      {"\xff", "\"\xEF\xBF\xBD\""},
      {"\xC3", "\"\xEF\xBF\xBD\""},
      {"\xC0\x80", "\"\xEF\xBF\xBD\xEF\xBF\xBD\""},
      {"\xED\xA0\x80", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
      {"\xF4\x90\x80\x80", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
  };
  for (const QuoteRow& row : rows) EXPECT_EQ(json_quote(row.text), row.quoted);
}

struct RealRow {
  double value;
  std::string_view text;
};

TEST(Json, Real) {
  const std::vector<RealRow> rows = {
      {100, "100.0"},
      {0, "0.0"},
      {100.0 / 3, "33.333333333333336"},
      {12.5, "12.5"},
      {std::numeric_limits<double>::quiet_NaN(), "null"},
      {std::numeric_limits<double>::infinity(), "null"},
  };
  for (const RealRow& row : rows) EXPECT_EQ(Json::real(row.value).dump(), row.text);
}

TEST(Json, Dump) {
  const Json json =
      Json::object({{"a", Json::array({Json::number(1), Json::boolean(true), Json()})},
                    {"b", Json::object()},
                    {"c", Json::string("x")},
                    {"d", Json::signed_number(-3)}});
  EXPECT_EQ(json.dump(), R"({"a": [1, true, null], "b": {}, "c": "x", "d": -3})");
}

TEST(Json, PrettyBreaksOnlyLongContainers) {
  Json list = Json::array();
  for (int i = 0; i < 3; ++i) list.push(Json::string(std::string(40, static_cast<char>('a' + i))));
  Json json = Json::object({{"short", Json::array({Json::number(1)})}});
  json.add("long", std::move(list));
  const std::string a(40, 'a');
  const std::string b(40, 'b');
  const std::string c(40, 'c');
  EXPECT_EQ(json.pretty(), "{\n  \"short\": [1],\n  \"long\": [\n    \"" + a + "\",\n    \"" + b +
                               "\",\n    \"" + c + "\"\n  ]\n}\n");
}

}  // namespace
}  // namespace vicinity::base
