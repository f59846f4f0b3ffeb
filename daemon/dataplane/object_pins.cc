// Programs pinned beside the maps that they were loaded with, in a directory named after all that
// decides what they are:
//   gen-<N>/programs-<hash of the object's bytes and options>/<program or map of their own>...
#include <bpf/bpf.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <string>
#include <system_error>
#include <utility>

#include "base/status.h"
#include "compile/hash_hosts.h"
#include "dataplane/links.h"
#include "dataplane/object.h"
#include "dataplane/pins.h"

namespace vicinity::dataplane {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrograms = "programs-";
constexpr char kUnfinished[] = "programs-new";
// Maps that no generation pins: they hold nothing that another daemon has to have.
constexpr std::array<std::string_view, 3> kOwnMaps = {"vic_traces", "vic_trace_state",
                                                      "vic_refusals"};

bool is_own_map(std::string_view name) {
  return std::ranges::find(kOwnMaps, name) != kOwnMaps.end();
}

std::string directory_name(const LoadPlan& plan) {
  const std::span<const std::byte> bytes = bpf_object_bytes();
  uint64_t hash = compile::envoy_hash({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  for (const FrozenOption& option : frozen_options(plan)) {
    hash = compile::envoy_hash(fmt::format("{}={}", option.name, option.value), hash);
  }
  hash = compile::envoy_hash(plan.records.destroy ? "destroy" : "", hash);
  return fmt::format("{}{:016x}", kPrograms, hash);
}

}  // namespace

absl::StatusOr<Object> Object::open(const fs::path& generation, const LoadPlan& plan) {
  Object object;
  if (object.open_pinned(generation / directory_name(plan))) {
    for (const auto& [name, fd] : plan.reuse) {
      object.maps_[name].reset(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
    }
    return object;
  }
  VIC_ASSIGN_OR_RETURN(object, load(plan));
  object.pin(generation, plan);
  return object;
}

// False: they are not all there.
bool Object::open_pinned(const fs::path& directory) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory, error)) {
    base::UniqueFd fd(bpf_obj_get(entry.path().c_str()));
    if (!fd.valid()) return false;
    const std::string name = entry.path().filename().string();
    (is_own_map(name) ? maps_ : programs_).insert_or_assign(name, std::move(fd));
  }
  const auto is_missing = [this](const Hook& hook) { return program_fd(hook.program) < 0; };
  return !error && maps_.size() == kOwnMaps.size() && std::ranges::none_of(hooks(), is_missing);
}

// Under another name until it is whole: a directory that is there can be relied on.
void Object::pin(const fs::path& generation, const LoadPlan& plan) const {
  const fs::path unfinished = generation / kUnfinished;
  absl::Status status = Pins::remove_in(generation, kPrograms);
  if (status.ok()) status = pin_in(unfinished);
  std::error_code error;
  if (status.ok()) fs::rename(unfinished, generation / directory_name(plan), error);
  if (error) status = base::errno_status("programs: rename", error.value());
  if (!status.ok()) spdlog::warn("programs are loaded anew next time: {}", base::message(status));
}

absl::Status Object::pin_in(const fs::path& directory) const {
  std::error_code error;
  fs::create_directory(directory, error);
  if (error) return base::errno_status(fmt::format("make {}", directory.string()), error.value());
  const auto pin_one = [&](std::string_view name, int fd) {
    if (bpf_obj_pin(fd, (directory / name).c_str()) == 0) return absl::OkStatus();
    return base::errno_status(fmt::format("pin {}", (directory / name).string()));
  };
  for (const auto& [name, fd] : programs_) VIC_RETURN_IF_ERROR(pin_one(name, fd.get()));
  for (const std::string_view name : kOwnMaps) VIC_RETURN_IF_ERROR(pin_one(name, map_fd(name)));
  return absl::OkStatus();
}

}  // namespace vicinity::dataplane
