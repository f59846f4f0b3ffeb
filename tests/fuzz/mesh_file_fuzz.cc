// A mesh file of any bytes: never a crash, every refusal says where and why, and what was read can
// be written and read again.
#include <string>
#include <string_view>
#include <vector>

#include "feed/file/mesh_file.h"
#include "fuzz/check.h"

namespace vicinity::fuzz {
namespace {

void read(std::string_view text) {
  const feed::MeshFile file = feed::parse_mesh(text);
  for (const feed::ResourceError& error : file.errors) {
    check(error.resource.starts_with("document ") && !error.message.empty(), "says where and why");
  }
  std::vector<istio::workload::Address> addresses;
  for (const feed::NamedAddress& resource : file.resources) {
    check(!resource.name.empty(), "has a name");
    addresses.push_back(resource.address);
  }
  const feed::MeshFile again = feed::parse_mesh(feed::write_mesh(addresses));
  check(again.errors.empty(), "what was read can be written and read");
  check(again.resources.size() == file.resources.size(), "all of it");
  for (size_t i = 0; i < addresses.size(); ++i) {
    check(again.resources[i].name == file.resources[i].name, "in the same order");
  }
  model::Snapshot snapshot("n1");
  const auto refused = feed::load_mesh_into(snapshot, text);
  check(refused.size() >= file.errors.size(), "decoding refuses no fewer");
}

}  // namespace
}  // namespace vicinity::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  vicinity::fuzz::read({reinterpret_cast<const char*>(data), size});
  return 0;
}
