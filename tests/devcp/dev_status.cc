#include <algorithm>
#include <string>

#include "devcp/dev_control_plane.h"

namespace vicinity::devcp {
namespace {

using base::Json;

Json text_map(const std::map<std::string, std::string>& from) {
  Json to = Json::object();
  for (const auto& [key, value] : from) to.add(key, Json::string(value));
  return to;
}

template <class Range>
Json text_list(const Range& from) {
  Json to = Json::array();
  for (const std::string& item : from) to.push(Json::string(item));
  return to;
}

// Not the token itself: status ends up in logs.
Json to_json(const StreamStatus& stream) {
  Json nacked = Json::array();
  for (const Nack& nack : stream.nacked) {
    nacked.push(Json::object(
        {{"nonce", Json::string(nack.nonce)}, {"message", Json::string(nack.message)}}));
  }
  return Json::object({
      {"peer", Json::string(stream.peer)},
      {"node", Json::string(stream.node_id)},
      {"metadata", text_map(stream.metadata)},
      {"authorized", Json::boolean(!stream.authorization.empty())},
      {"open", Json::boolean(stream.open)},
      {"wildcard", Json::boolean(stream.wildcard)},
      {"requests", Json::number(stream.requests)},
      {"largest_request", Json::number(stream.largest_request)},
      {"initial_versions", Json::number(stream.initial_versions.size())},
      {"sent", Json::number(stream.sent)},
      {"unanswered", text_list(stream.unanswered)},
      {"acked", text_list(stream.acked)},
      {"nacked", std::move(nacked)},
      {"unknown", text_list(stream.unknown)},
  });
}

}  // namespace

size_t DevStatus::open_streams() const {
  return static_cast<size_t>(std::count_if(streams.begin(), streams.end(),
                                           [](const StreamStatus& each) { return each.open; }));
}

Json DevStatus::to_json() const {
  Json list = Json::array();
  for (const StreamStatus& stream : streams) list.push(devcp::to_json(stream));
  return Json::object({
      {"address", Json::string(address)},
      {"denied", Json::number(denied)},
      {"streams", std::move(list)},
      {"versions", text_map(versions)},
  });
}

}  // namespace vicinity::devcp
