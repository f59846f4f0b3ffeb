// Symbols, addresses and places.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/status.h"
#include "model/ip_address.h"
#include "model/place.h"
#include "model/symbols.h"
#include "unit/model_rows.h"

namespace vicinity::model {
namespace {

using ::testing::HasSubstr;
using testing::ip;

TEST(Symbols, EqualTextIsOneId) {
  Symbols symbols;
  const SymbolId a = symbols.intern("zone1");
  EXPECT_EQ(symbols.intern("zone1"), a);
  EXPECT_NE(symbols.intern("zone2"), a);
  EXPECT_EQ(symbols.name(a), "zone1");
  EXPECT_EQ(symbols.find("zone1"), a);
  EXPECT_EQ(symbols.find("zone3"), std::nullopt);
  EXPECT_EQ(symbols.size(), 3u);
}

TEST(Symbols, EmptyTextIsZero) {
  Symbols symbols;
  EXPECT_EQ(symbols.intern(""), SymbolId{});
  EXPECT_EQ(symbols.name(SymbolId{}), "");
  EXPECT_TRUE(symbols.intern("").empty());
}

TEST(Symbols, NamesStayWhereTheyAre) {
  Symbols symbols;
  const std::string_view first = symbols.name(symbols.intern("first"));
  for (int i = 0; i < 10000; ++i) symbols.intern("name" + std::to_string(i));
  EXPECT_EQ(first, "first");
  EXPECT_EQ(first.data(), symbols.name(*symbols.find("first")).data());
}

struct ParseRow {
  const char* text;
  const char* printed;  // nullptr: refused
};

TEST(IpAddress, Parse) {
  const std::vector<ParseRow> rows = {
      {"10.96.0.10", "10.96.0.10"},
      {"0.0.0.0", "0.0.0.0"},
      {"fd00:0:0::12", "fd00::12"},
      {"::", "::"},
      {"::ffff:10.1.2.3", "10.1.2.3"},
      {"::10.1.2.3", "::10.1.2.3"},
      {"10.96.0", nullptr},
      {"10.96.0.256", nullptr},
      {"10.96.0.10/32", nullptr},
      {" 10.96.0.10", nullptr},
      {"net1", nullptr},
      {"", nullptr},
      {"fd00:::1", nullptr},
  };
  for (const ParseRow& row : rows) {
    const auto parsed = IpAddress::parse(row.text);
    EXPECT_EQ(parsed.ok(), row.printed != nullptr) << row.text;
    if (parsed.ok()) EXPECT_EQ(parsed->to_string(), row.printed);
    if (!parsed.ok()) EXPECT_THAT(std::string(base::message(parsed.status())), HasSubstr(row.text));
  }
  EXPECT_FALSE(IpAddress::parse(std::string_view("10.0.0.1\0x", 10)).ok());
}

TEST(IpAddress, FromBytes) {
  const std::vector<uint8_t> v4 = {10, 1, 2, 3};
  const std::vector<uint8_t> mapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 1, 2, 3};
  const std::vector<uint8_t> v6 = {0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  EXPECT_EQ(*IpAddress::from_bytes(v4), ip("10.1.2.3"));
  EXPECT_EQ(*IpAddress::from_bytes(mapped), ip("10.1.2.3"));
  EXPECT_EQ(IpAddress::from_bytes(mapped)->family, Family::kIpv4);
  EXPECT_EQ(*IpAddress::from_bytes(v6), ip("fd00::1"));
  for (const size_t size : {0u, 3u, 5u, 15u, 17u}) {
    EXPECT_FALSE(IpAddress::from_bytes(std::vector<uint8_t>(size)).ok()) << size;
  }
}

TEST(IpAddress, EndpointText) {
  EXPECT_EQ(endpoint_text(ip("10.0.0.1"), 80), "10.0.0.1:80");
  EXPECT_EQ(endpoint_text(ip("fd00::1"), 80), "[fd00::1]:80");
}

struct PrefixRow {
  const char* left;
  const char* right;
  uint8_t length;
  bool same;
};

TEST(IpAddress, SamePrefix) {
  const std::vector<PrefixRow> rows = {
      {"10.1.2.3", "10.1.9.9", 16, true},    {"10.1.2.3", "10.2.2.3", 16, false},
      {"10.1.2.3", "10.1.2.2", 31, true},    {"10.1.2.3", "10.1.2.1", 31, false},
      {"10.1.2.3", "11.2.3.4", 0, true},     {"10.1.2.3", "10.1.2.3", 32, true},
      {"10.1.2.3", "10.1.2.2", 32, false},   {"fd00::1", "fd00::2", 126, true},
      {"fd00::1", "fd00::2", 127, false},    {"fd00::1", "fd00::1", 128, true},
      {"fd00::1", "fd00::8000", 113, false}, {"fd00::1", "fd00::8000", 112, true},
  };
  for (const PrefixRow& row : rows) {
    EXPECT_EQ(same_prefix(ip(row.left), ip(row.right), row.length), row.same)
        << row.left << " " << row.right << "/" << int{row.length};
  }
}

TEST(Place, Text) {
  Symbols symbols;
  Place place{.region = symbols.intern("r"), .subzone = symbols.intern("s")};
  EXPECT_EQ(locality_text(place, symbols), "r//s");
  place.subzone = {};
  EXPECT_EQ(locality_text(place, symbols), "r");
  place.node = symbols.intern("n1");
  EXPECT_EQ(place_text(place, symbols), "network= cluster= locality=r node=n1");
}

}  // namespace
}  // namespace vicinity::model
