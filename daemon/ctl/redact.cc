#include "ctl/redact.h"

#include <google/protobuf/descriptor.h>

#include <algorithm>
#include <array>
#include <utility>

namespace vicinity::ctl {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

constexpr size_t kShortestSecret = 8;
constexpr std::string_view kPemBegin = "-----BEGIN ";
constexpr std::string_view kPemEnd = "-----END ";
constexpr std::string_view kPemDashes = "-----";
// What begins a JSON web token: {" in base64url.
constexpr std::string_view kJwt = "eyJ";
constexpr std::array<std::string_view, 4> kNames{"bearer", "password", "secret", "token"};

bool is_token_byte(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
         c == '_' || c == '.' || c == '+' || c == '/' || c == '=' || c == '~';
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

size_t end_of_token(std::string_view text, size_t at) {
  while (at < text.size() && is_token_byte(text[at])) ++at;
  return at;
}

// Of a PEM block that begins at `at`; an open one reaches to the end of the text.
size_t end_of_pem(std::string_view text, size_t at) {
  const size_t end = text.find(kPemEnd, at);
  if (end == std::string_view::npos) return text.size();
  const size_t dashes = text.find(kPemDashes, end + kPemEnd.size());
  return dashes == std::string_view::npos ? text.size() : dashes + kPemDashes.size();
}

// Of a JSON web token: three parts with dots between them.
size_t end_of_jwt(std::string_view text, size_t at) {
  const size_t end = end_of_token(text, at);
  const auto token = text.substr(at, end - at);
  return std::count(token.begin(), token.end(), '.') >= 2 ? end : at;
}

bool has_word(std::string_view text, size_t at, std::string_view word) {
  return text.size() - at >= word.size() &&
         std::equal(word.begin(), word.end(), text.begin() + at,
                    [](char a, char b) { return a == lower(b); });
}

// Where the value begins that a name like "token" at `at` announces: after ':' or '=' or, of
// "Bearer", a blank. npos: it announces none.
size_t value_of_name(std::string_view text, size_t at) {
  for (const std::string_view name : kNames) {
    if (!has_word(text, at, name)) continue;
    size_t value = at + name.size();
    if (value < text.size() && text[value] == '"') ++value;
    const bool blank = name == "bearer" && value < text.size() && text[value] == ' ';
    const bool mark = value < text.size() && (text[value] == ':' || text[value] == '=');
    if (!blank && !mark) continue;
    return text.find_first_not_of(" \"'", value + 1);
  }
  return std::string_view::npos;
}

// The end of what looks like a secret at `at`; `at`: nothing does.
size_t end_of_secret(std::string_view text, size_t at) {
  if (text.substr(at).starts_with(kPemBegin)) return end_of_pem(text, at);
  if (text.substr(at).starts_with(kJwt)) return end_of_jwt(text, at);
  return at;
}

std::string replaced(std::string text, const std::string& secret) {
  for (size_t at = 0; (at = text.find(secret, at)) != std::string::npos;) {
    text.replace(at, secret.size(), kRemoved);
    at += kRemoved.size();
  }
  return text;
}

}  // namespace

Redaction::Redaction(std::vector<std::string> secrets) : secrets_(std::move(secrets)) {
  std::erase_if(secrets_, [](const std::string& one) { return one.size() < kShortestSecret; });
}

std::string Redaction::text(std::string_view text) const {
  std::string clean;
  for (size_t at = 0; at < text.size();) {
    size_t end = end_of_secret(text, at);
    const size_t value = end == at ? value_of_name(text, at) : std::string_view::npos;
    if (value != std::string_view::npos) {
      clean += text.substr(at, value - at);
      at = value;
      end = end_of_secret(text, at);
      if (end == at) end = end_of_token(text, at);
    }
    if (end > at) {
      clean += kRemoved;
      at = end;
    } else if (at < text.size() && value == std::string_view::npos) {
      clean += text[at++];
    }
  }
  for (const std::string& secret : secrets_) clean = replaced(std::move(clean), secret);
  return clean;
}

void Redaction::message(Message& message) const {
  const Reflection& fields = *message.GetReflection();
  std::vector<const FieldDescriptor*> set;
  fields.ListFields(message, &set);
  for (const FieldDescriptor* field : set) {
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING) clean_strings(message, field);
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) clean_messages(message, field);
  }
}

void Redaction::clean_strings(Message& message, const FieldDescriptor* field) const {
  const Reflection& fields = *message.GetReflection();
  if (!field->is_repeated()) {
    fields.SetString(&message, field, text(fields.GetString(message, field)));
    return;
  }
  for (int i = 0; i < fields.FieldSize(message, field); ++i) {
    fields.SetRepeatedString(&message, field, i, text(fields.GetRepeatedString(message, field, i)));
  }
}

void Redaction::clean_messages(Message& message, const FieldDescriptor* field) const {
  const Reflection& fields = *message.GetReflection();
  if (!field->is_repeated()) {
    this->message(*fields.MutableMessage(&message, field));
    return;
  }
  for (int i = 0; i < fields.FieldSize(message, field); ++i) {
    this->message(*fields.MutableRepeatedMessage(&message, field, i));
  }
}

}  // namespace vicinity::ctl
