#include "ctl/proto_json.h"

#include <google/protobuf/descriptor.h>

namespace vicinity::ctl {
namespace {

using base::Json;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

// Only the types that admin.proto has.
Json singular(const Message& message, const FieldDescriptor* field) {
  const Reflection& value = *message.GetReflection();
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL:
      return Json::boolean(value.GetBool(message, field));
    case FieldDescriptor::CPPTYPE_INT32:
      return Json::signed_number(value.GetInt32(message, field));
    case FieldDescriptor::CPPTYPE_UINT32:
      return Json::number(value.GetUInt32(message, field));
    case FieldDescriptor::CPPTYPE_UINT64:
      return Json::number(value.GetUInt64(message, field));
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return Json::real(value.GetDouble(message, field));
    case FieldDescriptor::CPPTYPE_STRING:
      return Json::string(value.GetString(message, field));
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return to_json(value.GetMessage(message, field));
    default:
      return {};
  }
}

Json element(const Message& message, const FieldDescriptor* field, int index) {
  const Reflection& value = *message.GetReflection();
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_UINT32:
      return Json::number(value.GetRepeatedUInt32(message, field, index));
    case FieldDescriptor::CPPTYPE_UINT64:
      return Json::number(value.GetRepeatedUInt64(message, field, index));
    case FieldDescriptor::CPPTYPE_STRING:
      return Json::string(value.GetRepeatedString(message, field, index));
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return to_json(value.GetRepeatedMessage(message, field, index));
    default:
      return {};
  }
}

Json repeated(const Message& message, const FieldDescriptor* field) {
  Json array = Json::array();
  const int size = message.GetReflection()->FieldSize(message, field);
  for (int i = 0; i < size; ++i) array.push(element(message, field, i));
  return array;
}

}  // namespace

Json to_json(const Message& message) {
  Json object = Json::object();
  const auto* type = message.GetDescriptor();
  for (int i = 0; i < type->field_count(); ++i) {
    const FieldDescriptor* field = type->field(i);
    object.add(field->name(),
               field->is_repeated() ? repeated(message, field) : singular(message, field));
  }
  return object;
}

}  // namespace vicinity::ctl
