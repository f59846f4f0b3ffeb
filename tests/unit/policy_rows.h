// Policy documents as text, for tests of plans and tables.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>

#include "policy/book/book.h"
#include "policy/book/load.h"

namespace vicinity::testing {

// A book of the documents in `text`; warnings are fine, errors fail the test.
inline std::shared_ptr<const policy::book::Book> book_of(std::string_view text) {
  const policy::book::FileText file{.file = "p.yaml", .text = std::string(text)};
  auto load = policy::book::load({&file, 1});
  for (const auto& finding : load.findings) {
    EXPECT_EQ(finding.diagnostic.severity, policy::Severity::kWarning) << to_text(finding);
  }
  return std::make_shared<policy::book::Book>(std::move(load.documents), policy::Settings{});
}

// A DestinationRule `name` in `name_space` for `host`; `policy` = its trafficPolicy in flow style.
inline std::string destination_rule(std::string_view name_space, std::string_view name,
                                    std::string_view host, std::string_view policy) {
  return fmt::format(
      "---\napiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {{name: {}, "
      "namespace: {}}}\nspec:\n  host: \"{}\"\n  trafficPolicy: {}\n",
      name, name_space, host, policy);
}

}  // namespace vicinity::testing
