#include <absl/strings/escaping.h>
#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include "base/status.h"
#include "base/strings.h"
#include "feed/decode.h"
#include "feed/file/network_text.h"
#include "feed/file/yaml_message.h"
#include "proto/vicinity/labels.pb.h"
#include "proto/workload.pb.h"

namespace vicinity::feed {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

template <class Number>
bool parse_number(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

bool is_workload(const Message& message) {
  return message.GetDescriptor() == istio::workload::Workload::descriptor();
}

// Sets one field of one message, singular or the next element of a repeated one.
class Setter {
 public:
  Setter(Message& to, const FieldDescriptor& field) : to_(to), field_(field) {}

  void number(uint32_t value) {
    field_.is_repeated() ? reflection().AddUInt32(&to_, &field_, value)
                         : reflection().SetUInt32(&to_, &field_, value);
  }
  void boolean(bool value) {
    field_.is_repeated() ? reflection().AddBool(&to_, &field_, value)
                         : reflection().SetBool(&to_, &field_, value);
  }
  void text(std::string value) {
    field_.is_repeated() ? reflection().AddString(&to_, &field_, std::move(value))
                         : reflection().SetString(&to_, &field_, std::move(value));
  }
  void enumeration(int value) {
    field_.is_repeated() ? reflection().AddEnumValue(&to_, &field_, value)
                         : reflection().SetEnumValue(&to_, &field_, value);
  }
  Message& message() {
    return field_.is_repeated() ? *reflection().AddMessage(&to_, &field_)
                                : *reflection().MutableMessage(&to_, &field_);
  }

 private:
  [[nodiscard]] const google::protobuf::Reflection& reflection() const {
    return *to_.GetReflection();
  }
  Message& to_;
  const FieldDescriptor& field_;
};

class Reader {
 public:
  void read_members(const YAML::Node& node, Message& to, const std::string& path);
  [[nodiscard]] std::vector<YamlProblem> take() { return std::move(problems_); }

 private:
  template <class... Args>
  void reject(const YAML::Node& node, const std::string& path, fmt::format_string<Args...> format,
              Args&&... args) {
    problems_.push_back({.line = node.Mark().line,
                         .path = path,
                         .message = fmt::format(format, std::forward<Args>(args)...)});
  }

  // Calls `visit(key, value)` for each member whose key is text and new.
  template <class Visit>
  void each_member(const YAML::Node& node, const std::string& path, Visit visit) {
    if (!node.IsMap()) {
      reject(node, path, "must be a mapping");
      return;
    }
    base::StringSet seen;
    for (const auto& member : node) {
      if (!member.first.IsScalar()) {
        reject(member.first, path, "has a key that is not text");
      } else if (!seen.insert(member.first.Scalar()).second) {
        reject(member.first, path, "duplicate key \"{}\"", member.first.Scalar());
      } else {
        visit(member.first, member.second);
      }
    }
  }

  void read_field(const YAML::Node& node, Message& to, const FieldDescriptor& field,
                  const std::string& path);
  void read_list(const YAML::Node& node, Message& to, const FieldDescriptor& field,
                 const std::string& path);
  void read_map(const YAML::Node& node, Message& to, const FieldDescriptor& field,
                const std::string& path);
  void read_value(const YAML::Node& node, Message& to, const FieldDescriptor& field,
                  const std::string& path);
  void read_scalar(const YAML::Node& node, Message& to, const FieldDescriptor& field,
                   const std::string& path);
  void read_submessage(const YAML::Node& node, Message& to, const std::string& path);
  void read_network_address(const YAML::Node& node, istio::workload::NetworkAddress& to,
                            const std::string& path);
  void read_bytes(const YAML::Node& node, Setter set, const FieldDescriptor& field,
                  const std::string& path);
  void read_enum(const YAML::Node& node, Setter set, const FieldDescriptor& field,
                 const std::string& path);
  void read_labels(const YAML::Node& node, istio::workload::Workload& to, const std::string& path);

  std::vector<YamlProblem> problems_;
};

void Reader::read_members(const YAML::Node& node, Message& to, const std::string& path) {
  each_member(node, path, [&](const YAML::Node& key, const YAML::Node& value) {
    const std::string& name = key.Scalar();
    const std::string member = fmt::format("{}.{}", path, name);
    if (name == "labels" && is_workload(to)) {
      read_labels(value, static_cast<istio::workload::Workload&>(to), member);
      return;
    }
    const FieldDescriptor* field = to.GetDescriptor()->FindFieldByCamelcaseName(name);
    if (field == nullptr) {
      reject(key, member, "unknown field");
      return;
    }
    const auto* oneof = field->real_containing_oneof();
    if (oneof != nullptr && to.GetReflection()->HasOneof(to, oneof)) {
      reject(key, member, "excludes {}.{}", path,
             to.GetReflection()->GetOneofFieldDescriptor(to, oneof)->json_name());
      return;
    }
    read_field(value, to, *field, member);
  });
}

// As in proto3 JSON, null is the same as leaving the field out.
void Reader::read_field(const YAML::Node& node, Message& to, const FieldDescriptor& field,
                        const std::string& path) {
  if (node.IsNull()) return;
  if (field.is_map()) {
    read_map(node, to, field, path);
  } else if (field.is_repeated()) {
    read_list(node, to, field, path);
  } else {
    read_value(node, to, field, path);
  }
}

void Reader::read_list(const YAML::Node& node, Message& to, const FieldDescriptor& field,
                       const std::string& path) {
  if (!node.IsSequence()) {
    reject(node, path, "must be a list");
    return;
  }
  for (size_t i = 0; i < node.size(); ++i) {
    read_value(node[i], to, field, fmt::format("{}[{}]", path, i));
  }
}

void Reader::read_map(const YAML::Node& node, Message& to, const FieldDescriptor& field,
                      const std::string& path) {
  const FieldDescriptor& key_field = *field.message_type()->map_key();
  const FieldDescriptor& value_field = *field.message_type()->map_value();
  each_member(node, path, [&](const YAML::Node& key, const YAML::Node& value) {
    Message& entry = *to.GetReflection()->AddMessage(&to, &field);
    const std::string element = fmt::format("{}[\"{}\"]", path, key.Scalar());
    read_value(key, entry, key_field, element);
    // An entry without a value is one: `services: {a/b: }` binds to all ports of a/b.
    if (!value.IsNull()) read_value(value, entry, value_field, element);
  });
}

void Reader::read_value(const YAML::Node& node, Message& to, const FieldDescriptor& field,
                        const std::string& path) {
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
    read_submessage(node, Setter(to, field).message(), path);
  } else if (!node.IsScalar()) {
    reject(node, path, "must be one value");
  } else {
    read_scalar(node, to, field, path);
  }
}

void Reader::read_submessage(const YAML::Node& node, Message& to, const std::string& path) {
  const auto* descriptor = to.GetDescriptor();
  if (descriptor == istio::workload::NetworkAddress::descriptor()) {
    read_network_address(node, static_cast<istio::workload::NetworkAddress&>(to), path);
  } else if (descriptor == google::protobuf::UInt32Value::descriptor()) {
    read_value(node, to, *descriptor->field(0), path);
  } else {
    read_members(node, to, path);
  }
}

void Reader::read_network_address(const YAML::Node& node, istio::workload::NetworkAddress& to,
                                  const std::string& path) {
  if (!node.IsScalar()) {
    reject(node, path, "must be an address, [network/]ip[/length]");
    return;
  }
  auto address = parse_network_address(node.Scalar());
  if (!address.ok()) {
    reject(node, path, "{}", base::message(address.status()));
    return;
  }
  to = *std::move(address);
}

void Reader::read_scalar(const YAML::Node& node, Message& to, const FieldDescriptor& field,
                         const std::string& path) {
  const std::string& text = node.Scalar();
  Setter set(to, field);
  uint32_t number = 0;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_UINT32:
      if (parse_number(text, number)) {
        set.number(number);
      } else {
        reject(node, path, "\"{}\" is not a number from 0 to {}", text,
               std::numeric_limits<uint32_t>::max());
      }
      break;
    case FieldDescriptor::CPPTYPE_BOOL:
      if (text == "true" || text == "false") {
        set.boolean(text == "true");
      } else {
        reject(node, path, "\"{}\" is neither true nor false", text);
      }
      break;
    case FieldDescriptor::CPPTYPE_ENUM:
      read_enum(node, set, field, path);
      break;
    case FieldDescriptor::CPPTYPE_STRING:
      read_bytes(node, set, field, path);
      break;
    default:
      reject(node, path, "cannot be written in a mesh file");
  }
}

// Bytes are addresses, except in what WDS does not define (Any), where they are base64.
void Reader::read_bytes(const YAML::Node& node, Setter set, const FieldDescriptor& field,
                        const std::string& path) {
  const std::string& text = node.Scalar();
  if (field.type() == FieldDescriptor::TYPE_STRING) {
    set.text(text);
    return;
  }
  if (field.file() == istio::workload::Address::descriptor()->file()) {
    auto bytes = parse_ip_bytes(text);
    if (bytes.ok()) {
      set.text(*std::move(bytes));
    } else {
      reject(node, path, "{}", base::message(bytes.status()));
    }
    return;
  }
  std::string bytes;
  if (absl::Base64Unescape(base::absl_view(text), &bytes)) {
    set.text(std::move(bytes));
  } else {
    reject(node, path, "is not base64");
  }
}

// A number stands for a value that this program has no name for; decode decides about it.
void Reader::read_enum(const YAML::Node& node, Setter set, const FieldDescriptor& field,
                       const std::string& path) {
  const auto* value = field.enum_type()->FindValueByName(node.Scalar());
  int number = 0;
  if (value != nullptr) {
    set.enumeration(value->number());
  } else if (parse_number(node.Scalar(), number)) {
    set.enumeration(number);
  } else {
    reject(node, path, "unknown value {}", node.Scalar());
  }
}

void Reader::read_labels(const YAML::Node& node, istio::workload::Workload& to,
                         const std::string& path) {
  if (node.IsNull()) return;
  vicinity::workload::Labels labels;
  read_map(node, labels, *vicinity::workload::Labels::descriptor()->FindFieldByName("labels"),
           path);
  istio::workload::Extension& extension = *to.add_extensions();
  extension.set_name(std::string(kLabelsExtension));
  extension.mutable_config()->set_type_url(
      fmt::format("type.googleapis.com/{}", vicinity::workload::Labels::descriptor()->full_name()));
  extension.mutable_config()->set_value(stable_bytes(labels));
}

}  // namespace

std::vector<YamlProblem> read_message(const YAML::Node& node, Message& to,
                                      const std::string& path) {
  Reader reader;
  reader.read_members(node, to, path);
  return reader.take();
}

}  // namespace vicinity::feed
