// Files of policy documents -> documents, each judged on its own, with everything that is wrong
// with any of them. Pure.
#pragma once

#include <cstddef>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "policy/source.h"

namespace vicinity::policy::book {

struct FileText {
  std::string file;  // as diagnostics shall name it
  std::string text;
};

// One line of diagnosis, complete with where.
struct Finding {
  std::string file;
  std::string document;  // "DestinationRule default/helloworld"; empty: it could not be named
  Diagnostic diagnostic;
  bool operator==(const Finding&) const = default;
};
// "mesh.yaml:12: error: DestinationRule default/x: spec.host: missing".
[[nodiscard]] std::string to_text(const Finding& finding);

struct Load {
  std::vector<Document> documents;  // usable, in the files' order, ids unique
  std::vector<DocumentId> refused;  // ids of those with errors, where they could be made out
  std::set<std::string> unclear;    // files with a document that could not be named
  std::vector<Finding> findings;    // errors and warnings, in the files' order
  size_t ignored = 0;               // documents that are no policies, each with a warning
};

[[nodiscard]] Load load(std::span<const FileText> files);
[[nodiscard]] bool has_errors(const Load& load);

}  // namespace vicinity::policy::book
