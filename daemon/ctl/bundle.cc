// vicinityctl bundle: everything that a node's daemon says of itself in one file, without secrets.
#include <fmt/format.h>

#include <absl/time/time.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>
#include <vector>

#include "base/status.h"
#include "ctl/bundle_file.h"
#include "ctl/commands.h"
#include "ctl/failure.h"
#include "ctl/proto_json.h"
#include "ctl/redact.h"
#include "ctl/status_text.h"
#include "ctl/tar.h"

namespace vicinity::ctl {
namespace {

namespace fs = std::filesystem;

constexpr const char* kDefaultFile = "vicinity-bundle.tar.gz";
constexpr std::string_view kReadMe =
    R"(What vicinityd of one node said of itself, by `vicinityctl bundle`.
Tokens, certificates and what looks like them are removed; names and addresses of services, pods
and nodes are not.

  vicinityctl status --bundle FILE
  vicinityctl services --bundle FILE
  vicinityctl endpoints --bundle FILE NAMESPACE/HOSTNAME
  vicinityctl explain --bundle FILE --service NAMESPACE/HOSTNAME
)";

std::string content_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string without_line_end(std::string text) {
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

const std::string* value_of(const admin::SettingsReply& settings, std::string_view name) {
  for (const admin::Setting& one : settings.settings()) {
    if (one.name() == name && !one.values().empty()) return &one.values(0);
  }
  return nullptr;
}

// What the files hold that the daemon reads secrets from, as far as we may read them.
std::vector<std::string> known_secrets(const admin::SettingsReply& settings) {
  std::vector<std::string> secrets;
  for (const std::string_view name : {"xds-token", "xds-root-cert"}) {
    const std::string* path = value_of(settings, name);
    if (path != nullptr) secrets.push_back(without_line_end(content_of(*path)));
  }
  return secrets;
}

std::string settings_text(const admin::SettingsReply& settings) {
  std::string text;
  for (const admin::Setting& one : settings.settings()) {
    text += fmt::format("--{}", one.name());
    for (const std::string& value : one.values()) text += fmt::format(" {}", value);
    text += one.given() ? "\n" : "  (default)\n";
  }
  return text;
}

class Bundler {
 public:
  Bundler(AdminClient& client, TarWriter& file, Redaction redaction)
      : client_(client), file_(file), redaction_(std::move(redaction)) {}

  absl::Status write(const admin::SettingsReply& settings) {
    VIC_RETURN_IF_ERROR(file_.add("README", kReadMe));
    VIC_RETURN_IF_ERROR(add_status());
    VIC_RETURN_IF_ERROR(add_services());
    VIC_RETURN_IF_ERROR(add_explanations());
    VIC_RETURN_IF_ERROR(add_dump("snapshot.txt", admin::DumpRequest::SNAPSHOT));
    VIC_RETURN_IF_ERROR(add_dump("plan.txt", admin::DumpRequest::PLAN));
    VIC_RETURN_IF_ERROR(add_dump("tables.txt", admin::DumpRequest::TABLES));
    VIC_ASSIGN_OR_RETURN(const std::string metrics, client_.metrics());
    VIC_RETURN_IF_ERROR(add("metrics.txt", metrics));
    VIC_ASSIGN_OR_RETURN(const std::string log, client_.log());
    VIC_RETURN_IF_ERROR(add("log.txt", log));
    VIC_RETURN_IF_ERROR(add("settings.txt", settings_text(settings)));
    VIC_RETURN_IF_ERROR(add_policies());
    const std::string* folder = value_of(settings, "policy-dir");
    return folder == nullptr || folder->empty() ? absl::OkStatus() : add_policy_files(*folder);
  }

 private:
  absl::Status add(std::string_view name, std::string_view text) {
    return file_.add(name, redaction_.text(text));
  }

  absl::Status add_status() {
    VIC_ASSIGN_OR_RETURN(auto status, client_.status());
    redaction_.message(status);
    VIC_RETURN_IF_ERROR(file_.add(kBundleStatus, status.SerializeAsString()));
    VIC_RETURN_IF_ERROR(add("status.json", to_json(status).pretty()));
    return add("status.txt",
               status_text(status,
                           absl::FromUnixMillis(static_cast<int64_t>(status.sampled_at() * 1000))));
  }

  absl::Status add_services() {
    admin::ServicesReply all;
    VIC_RETURN_IF_ERROR(
        client_.services([&](const admin::ServicesReply& part) { all.MergeFrom(part); }));
    redaction_.message(all);
    return file_.add(kBundleServices, all.SerializeAsString());
  }

  absl::Status add_explanations() {
    size_t count = 0;
    absl::Status written;
    VIC_RETURN_IF_ERROR(client_.explanations([&](admin::ExplanationsReply part) {
      redaction_.message(part);
      const std::string name = fmt::format("{}{:06}.pb", kBundleExplanations, count++);
      written.Update(file_.add(name, part.SerializeAsString()));
    }));
    return written;
  }

  absl::Status add_dump(std::string_view name, admin::DumpRequest::Stage stage) {
    std::string text;
    VIC_RETURN_IF_ERROR(client_.dump(stage, [&](std::string_view part) { text += part; }));
    return add(name, text);
  }

  absl::Status add_policies() {
    std::string text;
    VIC_RETURN_IF_ERROR(client_.policies(
        [&](const admin::PoliciesReply& part) { text += to_json(part).pretty(); }));
    return add("policies.json", text);
  }

  absl::Status add_policy_files(const fs::path& folder) {
    std::error_code unreadable;  // it is the daemon's, and may not be ours
    for (const auto& entry : fs::directory_iterator(folder, unreadable)) {
      const std::string name = "policies/" + entry.path().filename().string();
      const bool wanted =
          entry.is_regular_file() && name.size() < kLongestName && !name.starts_with("policies/.");
      if (wanted) VIC_RETURN_IF_ERROR(add(name, content_of(entry.path())));
    }
    return absl::OkStatus();
  }

  static constexpr size_t kLongestName = 100;

  AdminClient& client_;
  TarWriter& file_;
  Redaction redaction_;
};

absl::Status write_bundle(AdminClient& client, const std::string& path) {
  VIC_ASSIGN_OR_RETURN(const auto settings, client.settings());
  VIC_ASSIGN_OR_RETURN(auto file, TarWriter::create(path));
  VIC_RETURN_IF_ERROR(Bundler(client, file, Redaction(known_secrets(settings))).write(settings));
  return file.finish();
}

}  // namespace

int run_bundle(const config::CommandLine& line, const Terminal& terminal) {
  auto client = open_daemon(line);
  if (!client.ok()) return fail(terminal, client.status());
  const std::string path = line.get("file", kDefaultFile);
  const absl::Status written = write_bundle(*client, path);
  if (!written.ok()) return fail(terminal, written);
  terminal.out(fmt::format("{}\n", path));
  return kExitOk;
}

}  // namespace vicinity::ctl
