// bench_sketch_fill DIRECTORY FILE: fills the maps of sketch.bpf.c that are pinned in DIRECTORY
// with the endpoints that carry load, from lines "SERVICE PORT ENDPOINT PORT TIER LOADED". An
// example of what --fill of bench_connect runs.
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <fmt/format.h>

#include <cstdio>
#include <fstream>
#include <string>

#include "base/unique_fd.h"
#include "bench/sketch.h"

namespace vicinity::bench {
namespace {

struct Line {
  SketchKey service{};
  SketchKey endpoint{};
  int loaded = 0;
};

bool read_line(std::istream& in, Line& line) {
  std::string service;
  std::string endpoint;
  uint16_t service_port = 0;
  uint16_t port = 0;
  int tier = 0;
  if (!(in >> service >> service_port >> endpoint >> port >> tier >> line.loaded)) return false;
  line.service.port_be = htons(service_port);
  line.endpoint.port_be = htons(port);
  return inet_pton(AF_INET, service.c_str(), &line.service.address_be) == 1 &&
         inet_pton(AF_INET, endpoint.c_str(), &line.endpoint.address_be) == 1;
}

base::UniqueFd open_map(const std::string& directory, const char* name) {
  return base::UniqueFd(bpf_obj_get(fmt::format("{}/{}", directory, name).c_str()));
}

int fill(const std::string& directory, const char* file) {
  const base::UniqueFd services = open_map(directory, "sketch_services");
  const base::UniqueFd endpoints = open_map(directory, "sketch_endpoints");
  std::ifstream in(file);
  SketchKey key{};
  SketchService service{};
  Line line;
  while (read_line(in, line)) {
    if (line.loaded == 0) continue;
    const bool same =
        line.service.address_be == key.address_be && line.service.port_be == key.port_be;
    if (!same) service = {.first = service.first + service.count, .count = 0};
    key = line.service;
    const __u32 index = service.first + service.count++;
    if (bpf_map_update_elem(endpoints.get(), &index, &line.endpoint, BPF_ANY) != 0) return 1;
    if (bpf_map_update_elem(services.get(), &key, &service, BPF_ANY) != 0) return 1;
  }
  return in.eof() && service.count > 0 ? 0 : 1;
}

}  // namespace
}  // namespace vicinity::bench

int main(int argc, char** argv) {
  if (argc != 3) {
    fmt::print(stderr, "usage: bench_sketch_fill DIRECTORY FILE\n");
    return 2;
  }
  return vicinity::bench::fill(argv[1], argv[2]);
}
