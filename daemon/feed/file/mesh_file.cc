#include "feed/file/mesh_file.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <variant>

#include "base/documents.h"
#include "base/strings.h"
#include "feed/decode.h"
#include "feed/file/yaml_message.h"

namespace vicinity::feed {
namespace {

using base::Document;
using istio::workload::Address;

// What became of one document.
struct Parsed {
  Address address;
  std::string kind = "address";
  int line = 0;                       // of the document, from 0, where its content begins
  std::vector<YamlProblem> problems;  // lines from 0, of the document
};

Parsed failed(int line, std::string message) {
  Parsed parsed;
  parsed.problems.push_back({.line = line, .path = {}, .message = std::move(message)});
  return parsed;
}

Parsed read_document(const YAML::Node& node) {
  if (!node.IsMap() || node.size() != 1 || !node.begin()->first.IsScalar()) {
    return failed(node.Mark().line, "must have exactly one key, service or workload");
  }
  const auto member = *node.begin();
  const std::string& key = member.first.Scalar();
  Parsed parsed;
  if (key == "service") {
    parsed.problems = read_message(member.second, *parsed.address.mutable_service(), key);
  } else if (key == "workload") {
    parsed.problems = read_message(member.second, *parsed.address.mutable_workload(), key);
  } else {
    return failed(member.first.Mark().line,
                  fmt::format("unknown key \"{}\": must be service or workload", key));
  }
  parsed.kind = key;
  parsed.line = node.Mark().line;
  return parsed;
}

// yaml-cpp reports with exceptions; they end here.
Parsed parse_document(const Document& document) {
  if (auto bad = check_encoding(document); !bad.message.empty()) {
    return failed(bad.line - document.line, std::move(bad.message));
  }
  try {
    return read_document(YAML::Load(document.text));
  } catch (const YAML::Exception& error) {
    return failed(std::max(error.mark.line, 0), "malformed YAML: " + error.msg);
  }
}

void check_name(Parsed& parsed, std::string_view name) {
  if (!name.empty() || !parsed.problems.empty()) return;
  if (parsed.address.has_workload()) {
    parsed.problems.push_back({.line = parsed.line, .path = "workload.uid", .message = "missing"});
    return;
  }
  const auto& service = parsed.address.service();
  if (service.namespace_().empty()) {
    parsed.problems.push_back(
        {.line = parsed.line, .path = "service.namespace", .message = "missing"});
  }
  if (service.hostname().empty()) {
    parsed.problems.push_back(
        {.line = parsed.line, .path = "service.hostname", .message = "missing"});
  }
}

bool is_about(std::string_view path, std::string_view other) {
  return path.starts_with(other) || other.starts_with(path);
}

// What decoding would say of the fields that could be read, so that one look at the errors of a
// document with several is enough.
void check_content(Parsed& parsed, const std::string& name) {
  if (parsed.problems.empty() || name.empty()) return;
  model::Symbols symbols;
  for (FieldError& error : decode_address(parsed.address, name, symbols).errors) {
    const bool said = std::ranges::any_of(parsed.problems, [&](const YamlProblem& problem) {
      return is_about(problem.path, error.path);
    });
    if (said) continue;
    parsed.problems.push_back(
        {.line = parsed.line, .path = std::move(error.path), .message = std::move(error.message)});
  }
}

// The first problem's line names the document; later ones say their own when it differs.
ResourceError report(const Document& document, const Parsed& parsed) {
  const int first = parsed.problems.front().line;
  ResourceError error{.resource = document_text(document.number, document.line + first),
                      .kind = parsed.kind,
                      .message = {}};
  for (const YamlProblem& problem : parsed.problems) {
    if (!error.message.empty()) error.message += "; ";
    if (problem.line != first)
      error.message += fmt::format("line {}: ", document.line + problem.line);
    if (!problem.path.empty()) error.message += problem.path + ": ";
    error.message += problem.message;
  }
  return error;
}

class MeshBuilder {
 public:
  void add(const Document& document) {
    Parsed parsed = parse_document(document);
    std::string name = resource_name(parsed.address);
    check_name(parsed, name);
    check_content(parsed, name);
    check_duplicate(parsed, name);
    if (!name.empty()) documents_.emplace(name, document.number);
    if (parsed.problems.empty()) {
      file_.resources.push_back({.name = std::move(name),
                                 .address = std::move(parsed.address),
                                 .document = document.number,
                                 .line = document.line + parsed.line});
      return;
    }
    file_.errors.push_back(report(document, parsed));
    if (name.empty()) {
      ++file_.unnamed;
    } else {
      file_.refused.push_back(std::move(name));
    }
  }

  MeshFile take() { return std::move(file_); }

 private:
  void check_duplicate(Parsed& parsed, const std::string& name) const {
    const auto earlier = documents_.find(name);
    if (earlier == documents_.end()) return;
    parsed.problems.push_back({.line = parsed.line,
                               .path = {},
                               .message = fmt::format("{} {} is already in document {}",
                                                      parsed.kind, name, earlier->second)});
  }

  MeshFile file_;
  base::StringMap<int> documents_;
};

}  // namespace

MeshFile parse_mesh(std::string_view text) {
  MeshBuilder builder;
  for (const Document& document : base::split_documents(text)) builder.add(document);
  return builder.take();
}

std::string write_mesh(std::span<const Address> addresses) {
  std::string text;
  for (const Address& address : addresses) {
    if (address.type_case() == Address::TYPE_NOT_SET) continue;
    YAML::Emitter out;
    out << YAML::BeginMap << YAML::Key << std::string(resource_kind(address)) << YAML::Value;
    if (address.has_workload()) {
      write_message(address.workload(), out);
    } else {
      write_message(address.service(), out);
    }
    out << YAML::EndMap;
    if (!text.empty()) text += "---\n";
    text += out.c_str();
    text += '\n';
  }
  return text;
}

std::vector<ResourceError> load_mesh_into(model::Snapshot& snapshot, std::string_view text) {
  MeshFile file = parse_mesh(text);
  std::vector<ResourceError> errors = std::move(file.errors);
  model::Delta delta;
  for (const NamedAddress& resource : file.resources) {
    DecodeResult decoded = decode_address(resource.address, resource.name, snapshot.symbols());
    if (decoded.value) {
      add_to(delta, *std::move(decoded.value));
      continue;
    }
    errors.push_back({.resource = document_text(resource.document, resource.line),
                      .kind = std::string(resource_kind(resource.address)),
                      .message = to_text(decoded.errors)});
  }
  snapshot.apply(std::move(delta));
  return errors;
}

std::string document_text(int document, int line) {
  return fmt::format("document {} (line {})", document, line);
}

std::string resource_name(const Address& address) {
  if (address.has_workload()) return address.workload().uid();
  const auto& service = address.service();
  if (service.namespace_().empty() || service.hostname().empty()) return {};
  return fmt::format("{}/{}", service.namespace_(), service.hostname());
}

}  // namespace vicinity::feed
