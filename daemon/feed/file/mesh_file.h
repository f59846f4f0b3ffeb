// The mesh file: a YAML stream of services and workloads in the names of WDS's proto3 JSON
// (docs/mesh-file.md). Reading gives the very protos an xDS stream carries, so everything after it
// is shared. Pure.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "feed/feed.h"
#include "model/snapshot.h"
#include "proto/workload.pb.h"

namespace vicinity::feed {

// One resource under its feed name: a workload's uid, a service's "namespace/hostname".
struct NamedAddress {
  std::string name;
  istio::workload::Address address;
  int document = 0;  // from 1
  int line = 0;      // where the document begins, from 1
};

struct MeshFile {
  std::vector<NamedAddress> resources;  // in the file's order, names unique
  std::vector<ResourceError> errors;    // one per refused document, with every problem in it
  // Of the refused documents: the names of those that could be made out, and how many could not.
  std::vector<std::string> refused;
  size_t unnamed = 0;
};

// Never fails as a whole: what is wrong with one document is in `errors`, as
// "document 3 (line 27)" and "workload.status: unknown value HEALTHYY".
[[nodiscard]] MeshFile parse_mesh(std::string_view text);

// The inverse, in the order given: parse_mesh(write_mesh(x)) has x's content.
[[nodiscard]] std::string write_mesh(std::span<const istio::workload::Address> addresses);

// parse, decode and apply in one go, for offline tools. Returns what was refused.
[[nodiscard]] std::vector<ResourceError> load_mesh_into(model::Snapshot& snapshot,
                                                        std::string_view text);

// "document 3 (line 27)", as in ResourceError::resource.
[[nodiscard]] std::string document_text(int document, int line);
// The name a feed gives the resource; empty when it cannot have one.
[[nodiscard]] std::string resource_name(const istio::workload::Address& address);

}  // namespace vicinity::feed
