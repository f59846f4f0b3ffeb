#include "policy/book/load.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "base/documents.h"
#include "policy/book/foreign.h"
#include "policy/book/sources.h"

namespace vicinity::policy::book {
namespace {

struct Claimed {
  const Source* source = nullptr;
  DocumentId id;
};

Claimed claim(const Node& root) {
  for (const Source* source : sources()) {
    if (auto id = source->claim(root)) return {.source = source, .id = *std::move(id)};
  }
  return {};
}

// Blank lines and a marker's own line before and after do not make another document.
std::string without_margins(std::string_view text) {
  const std::string_view blank = text.substr(0, text.find_first_not_of(" \t\r\n"));
  const size_t line = blank.rfind('\n');
  if (line != std::string_view::npos) text.remove_prefix(line + 1);
  const size_t last = text.find_last_not_of(" \t\r\n");
  return std::string(text.substr(0, last == std::string_view::npos ? 0 : last + 1));
}

std::string name_of(const DocumentId& id) { return id.name.empty() ? id.kind : to_text(id); }

class Loader {
 public:
  void add(const FileText& file) {
    const auto documents = base::split_documents(file.text);
    if (file.text.empty()) empty(file);
    for (const base::Document& document : documents) add(file, document);
  }
  Load take() { return std::move(load_); }

 private:
  // More likely one that somebody is about to write than the wish to have nothing: "---" says that.
  void empty(const FileText& file) {
    Node nowhere;
    Diagnostics out;
    out.error(nowhere, {}, "empty file: what it had before stays; remove the file to remove that");
    load_.unclear.insert(file.file);
    report(file, {}, out);
  }

  void add(const FileText& file, const base::Document& text) {
    Tree tree = read_tree(text);
    Diagnostics out;
    Claimed claimed = claim(tree.root);
    for (Diagnostic& problem : tree.problems) {
      Node place;
      place.line = problem.line;
      out.error(place, {}, std::move(problem.message));
    }
    std::shared_ptr<const Spec> spec;
    if (claimed.source == nullptr && !out.has_errors()) {
      diagnose_foreign(tree.root, out);
    } else if (claimed.source != nullptr) {
      spec = claimed.source->parse(claimed.id, tree.root, out);
      check_duplicate(claimed.id, tree.root, out);
    }
    keep(file,
         {.id = std::move(claimed.id),
          .source = std::string(claimed.source ? claimed.source->name() : ""),
          .file = file.file,
          .line = tree.root.line,
          .text = without_margins(text.text),
          .spec = std::move(spec),
          .warnings = {}},
         out);
  }

  void check_duplicate(const DocumentId& id, const Node& root, Diagnostics& out) const {
    const auto earlier = seen_.find(id);
    if (id.name.empty() || earlier == seen_.end()) return;
    out.error(root, {}, fmt::format("is already in {}", earlier->second));
  }

  void keep(const FileText& file, Document document, Diagnostics& out) {
    const bool bad = out.has_errors();
    const bool named = !document.id.name.empty();
    if (bad && named) load_.refused.push_back(document.id);
    if (bad && !named) load_.unclear.insert(file.file);
    if (named) seen_.emplace(document.id, fmt::format("{}:{}", document.file, document.line));
    document.warnings = report(file, name_of(document.id), out);
    if (bad) return;
    if (document.spec != nullptr) {
      load_.documents.push_back(std::move(document));
    } else {
      ++load_.ignored;
    }
  }

  // Returns the warnings.
  std::vector<Diagnostic> report(const FileText& file, const std::string& name, Diagnostics& out) {
    std::vector<Diagnostic> warnings;
    for (Diagnostic& one : out.take()) {
      if (one.severity == Severity::kWarning) warnings.push_back(one);
      load_.findings.push_back({.file = file.file, .document = name, .diagnostic = std::move(one)});
    }
    return warnings;
  }

  Load load_;
  std::map<DocumentId, std::string> seen_;
};

}  // namespace

std::string to_text(const Finding& finding) {
  const Diagnostic& one = finding.diagnostic;
  const std::string_view severity = one.severity == Severity::kError ? "error" : "warning";
  std::string text = fmt::format("{}:{}: {}: ", finding.file, one.line, severity);
  if (!finding.document.empty()) text += finding.document + ": ";
  if (!one.path.empty()) text += one.path + ": ";
  return text + one.message;
}

Load load(std::span<const FileText> files) {
  Loader loader;
  for (const FileText& file : files) loader.add(file);
  return loader.take();
}

bool has_errors(const Load& load) {
  return std::ranges::any_of(load.findings, [](const Finding& finding) {
    return finding.diagnostic.severity == Severity::kError;
  });
}

}  // namespace vicinity::policy::book
