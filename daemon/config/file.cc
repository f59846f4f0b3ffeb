#include "config/file.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <utility>

#include "base/strings.h"

namespace vicinity::config {
namespace {

class Reader {
 public:
  explicit Reader(std::string_view file) : file_(file) {}

  void read(const YAML::Node& root) {
    if (root.IsNull()) return;
    if (!root.IsMap()) {
      fail("", "not a mapping of setting to value");
      return;
    }
    for (const auto& entry : root) read_entry(entry.first, entry.second);
  }
  void fail(std::string_view path, std::string_view what) {
    const std::string_view separator = path.empty() ? "" : ": ";
    out_.errors.push_back(fmt::format("{}{}{}: {}", file_, separator, path, what));
  }
  Settings take() { return std::move(out_); }

 private:
  void read_entry(const YAML::Node& key, const YAML::Node& value) {
    if (!key.IsScalar()) return fail("", "a key is not a plain text");
    const std::string& name = key.Scalar();
    const Flag* flag = find_flag(name);
    if (flag == nullptr) return fail(name, "unknown key");
    if (!seen_.insert(name).second) return fail(name, "given twice");
    if (value.IsScalar()) return add(*flag, {value.Scalar()});
    if (value.IsSequence() && flag->arity == Arity::kMany) return read_list(*flag, value);
    fail(name, flag->arity == Arity::kMany ? "not a list of texts" : "not a single value");
  }

  void read_list(const Flag& flag, const YAML::Node& list) {
    std::vector<std::string> texts;
    for (size_t i = 0; i < list.size(); ++i) {
      if (!list[i].IsScalar()) return fail(fmt::format("{}[{}]", flag.name, i), "not a text");
      texts.push_back(list[i].Scalar());
    }
    add(flag, std::move(texts));
  }

  void add(const Flag& flag, std::vector<std::string> texts) {
    out_.settings.push_back({&flag, fmt::format("{}: {}", file_, flag.name), std::move(texts)});
  }

  std::string file_;
  base::StringSet seen_;
  Settings out_;
};

}  // namespace

Settings read_settings(std::string_view file, std::string_view text) {
  Reader reader(file);
  try {
    reader.read(YAML::Load(std::string(text)));
  } catch (const YAML::Exception& error) {  // yaml-cpp's way to report
    reader.fail("", error.what());
  }
  return reader.take();
}

}  // namespace vicinity::config
