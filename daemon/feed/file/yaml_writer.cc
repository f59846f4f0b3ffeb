#include <absl/strings/escaping.h>
#include <fmt/format.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

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
using google::protobuf::Reflection;

// One field of one message; `index` is -1 for a singular one.
struct Place {
  const Message& message;
  const FieldDescriptor& field;
  int index = -1;
  [[nodiscard]] const Reflection& reflection() const { return *message.GetReflection(); }
};

void write_members(const Message& from, YAML::Emitter& out);

// Quoted, as a plain scalar the colons of IPv6 would need care.
void write_text(const std::string& text, YAML::Emitter& out) { out << YAML::DoubleQuoted << text; }

void write_bytes(const Place& at, YAML::Emitter& out) {
  std::string scratch;
  const std::string& value =
      at.index < 0
          ? at.reflection().GetStringReference(at.message, &at.field, &scratch)
          : at.reflection().GetRepeatedStringReference(at.message, &at.field, at.index, &scratch);
  if (at.field.type() == FieldDescriptor::TYPE_STRING) {
    out << value;
  } else if (at.field.file() == istio::workload::Address::descriptor()->file()) {
    write_text(ip_bytes_text(value), out);
  } else {
    write_text(absl::Base64Escape(base::absl_view(value)), out);
  }
}

void write_enum(const Place& at, YAML::Emitter& out) {
  const int number = at.index < 0
                         ? at.reflection().GetEnumValue(at.message, &at.field)
                         : at.reflection().GetRepeatedEnumValue(at.message, &at.field, at.index);
  const auto* value = at.field.enum_type()->FindValueByNumber(number);
  if (value != nullptr) {
    out << std::string(value->name());
  } else {
    out << number;
  }
}

void write_submessage(const Message& from, YAML::Emitter& out) {
  if (from.GetDescriptor() == istio::workload::NetworkAddress::descriptor()) {
    write_text(network_address_text(static_cast<const istio::workload::NetworkAddress&>(from)),
               out);
  } else if (from.GetDescriptor() == google::protobuf::UInt32Value::descriptor()) {
    out << static_cast<const google::protobuf::UInt32Value&>(from).value();
  } else {
    out << YAML::Flow;
    write_members(from, out);
  }
}

void write_value(const Place& at, YAML::Emitter& out) {
  const Reflection& reflection = at.reflection();
  switch (at.field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_MESSAGE:
      write_submessage(at.index < 0
                           ? reflection.GetMessage(at.message, &at.field)
                           : reflection.GetRepeatedMessage(at.message, &at.field, at.index),
                       out);
      break;
    case FieldDescriptor::CPPTYPE_UINT32:
      out << (at.index < 0 ? reflection.GetUInt32(at.message, &at.field)
                           : reflection.GetRepeatedUInt32(at.message, &at.field, at.index));
      break;
    case FieldDescriptor::CPPTYPE_BOOL:
      out << (at.index < 0 ? reflection.GetBool(at.message, &at.field)
                           : reflection.GetRepeatedBool(at.message, &at.field, at.index));
      break;
    case FieldDescriptor::CPPTYPE_ENUM:
      write_enum(at, out);
      break;
    default:
      write_bytes(at, out);
  }
}

void write_list(const Place& at, YAML::Emitter& out) {
  out << YAML::Flow << YAML::BeginSeq;
  for (int i = 0; i < at.reflection().FieldSize(at.message, &at.field); ++i) {
    write_value({.message = at.message, .field = at.field, .index = i}, out);
  }
  out << YAML::EndSeq;
}

// In the order of the keys, so that equal messages give equal text. WDS's keys are strings.
void write_map(const Place& at, YAML::Emitter& out) {
  const FieldDescriptor& key = *at.field.message_type()->map_key();
  const FieldDescriptor& value = *at.field.message_type()->map_value();
  const auto key_of = [&](const Message* entry) {
    return entry->GetReflection()->GetString(*entry, &key);
  };
  std::vector<const Message*> entries;
  for (int i = 0; i < at.reflection().FieldSize(at.message, &at.field); ++i) {
    entries.push_back(&at.reflection().GetRepeatedMessage(at.message, &at.field, i));
  }
  std::sort(entries.begin(), entries.end(),
            [&](const Message* a, const Message* b) { return key_of(a) < key_of(b); });
  out << YAML::Flow << YAML::BeginMap;
  for (const Message* entry : entries) {
    out << YAML::Key;
    write_text(key_of(entry), out);
    out << YAML::Value;
    write_value({.message = *entry, .field = value}, out);
  }
  out << YAML::EndMap;
}

std::optional<vicinity::workload::Labels> labels_of(const istio::workload::Extension& extension) {
  vicinity::workload::Labels labels;
  if (extension.name() != kLabelsExtension) return std::nullopt;
  if (!extension.config().UnpackTo(&labels)) return std::nullopt;
  return labels;
}

// Labels have a shape of their own; all other extensions stay what they are.
void write_extensions(const istio::workload::Workload& from, YAML::Emitter& out) {
  istio::workload::Workload others;
  for (const istio::workload::Extension& extension : from.extensions()) {
    const auto labels = labels_of(extension);
    if (!labels) {
      *others.add_extensions() = extension;
      continue;
    }
    out << YAML::Key << "labels" << YAML::Value;
    write_map({.message = *labels,
               .field = *vicinity::workload::Labels::descriptor()->FindFieldByName("labels")},
              out);
  }
  if (others.extensions().empty()) return;
  out << YAML::Key << "extensions" << YAML::Value;
  write_list({.message = others,
              .field = *istio::workload::Workload::descriptor()->FindFieldByName("extensions")},
             out);
}

bool is_set(const Place& at) {
  return at.field.is_repeated() ? at.reflection().FieldSize(at.message, &at.field) > 0
                                : at.reflection().HasField(at.message, &at.field);
}

void write_field(const Place& at, YAML::Emitter& out) {
  if (!is_set(at)) return;
  if (at.message.GetDescriptor() == istio::workload::Workload::descriptor() &&
      at.field.name() == "extensions") {
    write_extensions(static_cast<const istio::workload::Workload&>(at.message), out);
    return;
  }
  out << YAML::Key << std::string(at.field.json_name()) << YAML::Value;
  if (at.field.is_map()) {
    write_map(at, out);
  } else if (at.field.is_repeated()) {
    write_list(at, out);
  } else {
    write_value(at, out);
  }
}

void write_members(const Message& from, YAML::Emitter& out) {
  out << YAML::BeginMap;
  const auto* descriptor = from.GetDescriptor();
  for (int i = 0; i < descriptor->field_count(); ++i) {
    write_field({.message = from, .field = *descriptor->field(i)}, out);
  }
  out << YAML::EndMap;
}

}  // namespace

void write_message(const Message& from, YAML::Emitter& out) {
  out << YAML::Block;
  write_members(from, out);
}

std::string stable_bytes(const Message& message) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    message.SerializePartialToCodedStream(&coded);
  }
  return bytes;
}

}  // namespace vicinity::feed
