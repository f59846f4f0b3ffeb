#include "dataplane/watch_links.h"

#include <bpf/bpf.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <utility>

#include "base/status.h"

namespace vicinity::dataplane {
namespace {

// By the name of its pin.
struct Trace {
  const char* name;
  const char* program;
};
constexpr std::array<Trace, 2> kTraces = {
    {{.name = "set_state", .program = "vic_set_state"},
     {.name = "error_report", .program = "vic_error_report"}}};

// Pinned under another name first and renamed over the old pin: there always is one.
absl::Status pin_link(int link, const std::filesystem::path& pin) {
  const std::string fresh = pin.string() + "-new";
  ::unlink(fresh.c_str());
  if (bpf_obj_pin(link, fresh.c_str()) == 0 && ::rename(fresh.c_str(), pin.c_str()) == 0) {
    return absl::OkStatus();
  }
  return base::errno_status(fmt::format("pin {}", pin.string()));
}

}  // namespace

WatchLinks::WatchLinks(const Pins& pins) {
  for (const Trace& trace : kTraces) pins_.push_back(pins.link_path(trace.name));
}

absl::Status WatchLinks::attach(const Object& object) {
  std::vector<base::UniqueFd> links;
  for (size_t i = 0; i < kTraces.size(); ++i) {
    base::UniqueFd link(bpf_raw_tracepoint_open(nullptr, object.program_fd(kTraces[i].program)));
    if (!link.valid()) return base::errno_status(fmt::format("attach {}", kTraces[i].name));
    VIC_RETURN_IF_ERROR(pin_link(link.get(), pins_[i]));
    links.push_back(std::move(link));
  }
  links_ = std::move(links);
  return absl::OkStatus();
}

// The kernel detaches a tracing program when the last descriptor and the pin have gone.
void WatchLinks::detach() {
  for (const std::filesystem::path& pin : pins_) ::unlink(pin.c_str());
  links_.clear();
}

}  // namespace vicinity::dataplane
