// Takes secrets out of what leaves the node. Pure.
#pragma once

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <string>
#include <string_view>
#include <vector>

namespace vicinity::ctl {

inline constexpr std::string_view kRemoved = "(removed)";

class Redaction {
 public:
  // What must not appear, besides what looks like a secret anyway; shorter than 8 bytes is not
  // taken for one.
  explicit Redaction(std::vector<std::string> secrets);

  // Without the secrets, JSON web tokens, PEM blocks, and what follows "Bearer", "token:",
  // "password=" and the like.
  [[nodiscard]] std::string text(std::string_view text) const;
  // The same for every string in it.
  void message(google::protobuf::Message& message) const;

 private:
  void clean_strings(google::protobuf::Message& message,
                     const google::protobuf::FieldDescriptor* field) const;
  void clean_messages(google::protobuf::Message& message,
                      const google::protobuf::FieldDescriptor* field) const;

  std::vector<std::string> secrets_;
};

}  // namespace vicinity::ctl
