#include "compile/diff.h"

namespace vicinity::compile {

Diff diff(const Tables& have, const Tables& want) {
  Diff result;
  for (const auto& [name, table] : want.services) {
    const auto old = have.services.find(name);
    if (old == have.services.end() || old->second != table) result.upserts.push_back(table);
  }
  for (const auto& [name, table] : have.services) {
    if (!want.services.contains(name)) result.removals.push_back(name);
  }
  return result;
}

std::string to_text(const Diff& diff) {
  std::string text;
  for (const std::string& name : diff.removals) text += "remove " + name + "\n";
  for (const ServiceTable& table : diff.upserts) text += "publish " + to_text(table);
  return text;
}

}  // namespace vicinity::compile
