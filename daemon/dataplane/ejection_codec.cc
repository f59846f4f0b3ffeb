#include "dataplane/ejection_codec.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "base/status.h"
#include "dataplane/memory.h"

namespace vicinity::dataplane {
namespace {

StoredEjection from_record(const vic_ejection& record) {
  StoredEjection ejection;
  ejection.service = std::string(record.service, ::strnlen(record.service, sizeof(record.service)));
  ejection.service_port = record.service_port;
  ejection.address.family = static_cast<model::Family>(record.family);
  std::ranges::copy(record.address, ejection.address.bytes.begin());
  ejection.port = record.port;
  ejection.cause = record.cause;
  ejection.multiplier = record.multiplier;
  ejection.at = absl::FromUnixNanos(static_cast<int64_t>(record.at_ns));
  ejection.until = absl::FromUnixNanos(static_cast<int64_t>(record.until_ns));
  return ejection;
}

vic_ejection to_record(const StoredEjection& ejection) {
  vic_ejection record{};
  std::memcpy(record.service, ejection.service.data(), ejection.service.size());
  std::ranges::copy(ejection.address.bytes, record.address);
  record.at_ns = static_cast<__u64>(absl::ToUnixNanos(ejection.at));
  record.until_ns = static_cast<__u64>(absl::ToUnixNanos(ejection.until));
  record.multiplier = ejection.multiplier;
  record.service_port = ejection.service_port;
  record.port = ejection.port;
  record.family = static_cast<__u8>(ejection.address.family);
  record.cause = ejection.cause;
  return record;
}

bool fits(const StoredEjection& ejection) {
  return ejection.service.size() < VIC_EJECTION_SERVICE_CHARS;
}

}  // namespace

std::vector<StoredEjection> load_ejections(std::span<const vic_ejection> stored) {
  std::vector<StoredEjection> ejections;
  for (const vic_ejection& record : stored) {
    if (record.used != 0) ejections.push_back(from_record(record));
  }
  return ejections;
}

absl::Status store_ejections(std::span<vic_ejection> stored,
                             std::span<const StoredEjection> ejections) {
  size_t next = 0;
  size_t left_out = 0;
  for (const StoredEjection& ejection : ejections) {
    if (next == stored.size() || !fits(ejection)) {
      ++left_out;
      continue;
    }
    vic_ejection& record = stored[next++];
    publish(record.used, 0);
    record = to_record(ejection);
    publish(record.used, 1);
  }
  for (; next < stored.size() && stored[next].used != 0; ++next) publish(stored[next].used, 0);
  if (left_out == 0) return absl::OkStatus();
  return base::exhausted("ejections: {} of {} are not kept over a restart: room for {}", left_out,
                         ejections.size(), stored.size());
}

}  // namespace vicinity::dataplane
