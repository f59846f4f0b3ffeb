// YAML <-> protobuf by reflection, in the names of proto3 JSON. What differs from JSON is the mesh
// file's: addresses are text, and a workload's `labels` stand for the vicinity.labels extension.
// Pure; with mesh_file.cc the only includer of yaml-cpp in the daemon's feeds.
#pragma once

#include <google/protobuf/message.h>
#include <yaml-cpp/yaml.h>

#include <string>
#include <vector>

namespace vicinity::feed {

struct YamlProblem {
  int line = 0;  // of the parsed text, from 0 (yaml-cpp's count)
  std::string path;
  std::string message;
};

// Fills `to` with what `node` says and returns everything that is wrong with the rest. `path` is
// the name of the message in those problems.
[[nodiscard]] std::vector<YamlProblem> read_message(const YAML::Node& node,
                                                    google::protobuf::Message& to,
                                                    const std::string& path);

// The members of `from` as one block mapping.
void write_message(const google::protobuf::Message& from, YAML::Emitter& out);

// The same message always gives the same bytes, which plain serialization does not promise.
[[nodiscard]] std::string stable_bytes(const google::protobuf::Message& message);

}  // namespace vicinity::feed
