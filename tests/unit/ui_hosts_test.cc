// Which Host headers the page's server takes for its own, and how the page is put together.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ui/hosts.h"
#include "ui/page.h"

namespace vicinity::ui {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

struct Row {
  const char* header;
  const char* listen;
  bool ours;
};

TEST(UiHosts, ForeignNamesAreNotOurs) {
  const Row rows[] = {
      {"127.0.0.1:15191", "127.0.0.1", true},
      {"localhost:8080", "127.0.0.1", true},  // port-forwarding changes the port
      {"localhost", "127.0.0.1", true},
      {"127.3.2.1", "127.0.0.1", true},
      {"[::1]:15191", "127.0.0.1", true},
      {"evil.example", "127.0.0.1", false},
      {"evil.example:15191", "127.0.0.1", false},
      {"localhost.evil.example", "127.0.0.1", false},
      {"127.0.0.1.evil.example", "127.0.0.1", false},
      {"10.0.0.7", "127.0.0.1", false},
      {"10.0.0.7:15191", "10.0.0.7", true},
      {"10.0.0.7:15191", "0.0.0.0", true},  // an address cannot be rebound
      {"evil.example", "0.0.0.0", false},
      {"node1.example", "node1.example", true},
      {"[fd00::1]:15191", "::", true},
      {"", "127.0.0.1", false},
      {":80", "127.0.0.1", false},
      {"[::1", "127.0.0.1", false},
      {"localhost:80@evil.example", "127.0.0.1", false},
      {"localhost:x", "127.0.0.1", false},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(is_our_host(row.header, row.listen), row.ours) << row.header << " on " << row.listen;
  }
}

TEST(UiPage, IsOneDocumentThatAsksNobodyElse) {
  const std::string text = page("abc123");
  EXPECT_THAT(text, HasSubstr("<style nonce=\"abc123\">"));
  EXPECT_THAT(text, HasSubstr("<script nonce=\"abc123\">"));
  EXPECT_THAT(text, HasSubstr("'use strict'"));
  EXPECT_THAT(text, HasSubstr("prefers-color-scheme: dark"));
  for (const char* foreign :
       {"http://", "https://", "//cdn", "@import", "<!-- style", ".innerHTML = "}) {
    EXPECT_THAT(text, Not(HasSubstr(foreign)));
  }
}

}  // namespace
}  // namespace vicinity::ui
