// One rtnetlink request under construction: header, family header, attributes. A value.
#pragma once

#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

namespace vicinity::testing {

class NetlinkMessage {
 public:
  // `header` is the family's fixed part: ifinfomsg, ifaddrmsg, rtmsg.
  template <class Header>
  NetlinkMessage(std::uint16_t type, int flags, const Header& header) {
    nlmsghdr start{};
    start.nlmsg_type = type;
    start.nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | NLM_F_ACK | flags);
    append(start);
    append(header);
  }

  void put(std::uint16_t type, std::span<const std::uint8_t> data) {
    rtattr attribute{};
    attribute.rta_type = type;
    attribute.rta_len = static_cast<std::uint16_t>(RTA_LENGTH(data.size()));
    append(attribute);
    append_bytes(data.data(), data.size());
  }

  void put_u8(std::uint16_t type, std::uint8_t value) { put(type, {&value, 1}); }

  void put_u32(std::uint16_t type, std::uint32_t value) {
    std::uint8_t bytes[4];
    std::memcpy(bytes, &value, sizeof(value));
    put(type, bytes);
  }

  // Strings carry their final zero.
  void put_text(std::uint16_t type, std::string_view text) {
    std::vector<std::uint8_t> bytes(text.begin(), text.end());
    bytes.push_back(0);
    put(type, bytes);
  }

  [[nodiscard]] std::size_t open_nest(std::uint16_t type) {
    const std::size_t at = bytes_.size();
    put(static_cast<std::uint16_t>(type | NLA_F_NESTED), {});
    return at;
  }

  void close_nest(std::size_t at) {
    const auto length = static_cast<std::uint16_t>(bytes_.size() - at);
    std::memcpy(bytes_.data() + at + offsetof(rtattr, rta_len), &length, sizeof(length));
  }

  // Appends a fixed structure, padded to 4 bytes.
  template <class T>
  void append(const T& value) {
    append_bytes(&value, sizeof(value));
  }

  // The finished bytes, with length and sequence number filled in.
  [[nodiscard]] std::span<const std::uint8_t> finish(std::uint32_t sequence) {
    nlmsghdr header{};
    std::memcpy(&header, bytes_.data(), sizeof(header));
    header.nlmsg_len = static_cast<std::uint32_t>(bytes_.size());
    header.nlmsg_seq = sequence;
    std::memcpy(bytes_.data(), &header, sizeof(header));
    return bytes_;
  }

 private:
  void append_bytes(const void* data, std::size_t size) {
    const auto* from = static_cast<const std::uint8_t*>(data);
    bytes_.insert(bytes_.end(), from, from + size);
    bytes_.resize(NLMSG_ALIGN(bytes_.size()));
  }

  std::vector<std::uint8_t> bytes_;
};

}  // namespace vicinity::testing
