#include "support/socket_redirect.h"

#include <linux/bpf.h>
#include <netinet/in.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/status.h"

namespace vicinity::testing {
namespace {

// Keys of the socket map.
constexpr std::uint32_t kTcpKey = 0;
constexpr std::uint32_t kUdpKey = 1;

std::uint64_t address_of(const void* pointer) {
  return reinterpret_cast<std::uintptr_t>(pointer);  // NOLINT: the system call's ABI
}

int bpf(bpf_cmd command, bpf_attr& attributes) {
  return static_cast<int>(syscall(SYS_bpf, command, &attributes, sizeof(attributes)));
}

bpf_insn insn(int code, int to, int from, int offset, int value) {
  bpf_insn result{};
  result.code = static_cast<std::uint8_t>(code);
  result.dst_reg = static_cast<std::uint8_t>(to) & 0xf;
  result.src_reg = static_cast<std::uint8_t>(from) & 0xf;
  result.off = static_cast<std::int16_t>(offset);
  result.imm = value;
  return result;
}

bpf_insn move(int to, int from) { return insn(BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0); }
bpf_insn move_value(int to, int value) {
  return insn(BPF_ALU64 | BPF_MOV | BPF_K, to, 0, 0, value);
}
bpf_insn call(int helper) { return insn(BPF_JMP | BPF_CALL, 0, 0, 0, helper); }

// socket = sockets[protocol == UDP]; if (socket) { assign(ctx, socket); release(socket); } pass.
std::array<bpf_insn, 22> redirect_program(int sockets) {
  constexpr int kProtocol = offsetof(bpf_sk_lookup, protocol);
  return {
      move(BPF_REG_6, BPF_REG_1),
      insn(BPF_LDX | BPF_MEM | BPF_W, BPF_REG_7, BPF_REG_6, kProtocol, 0),
      move_value(BPF_REG_1, kTcpKey),
      insn(BPF_JMP | BPF_JNE | BPF_K, BPF_REG_7, 0, 1, IPPROTO_UDP),
      move_value(BPF_REG_1, kUdpKey),
      insn(BPF_STX | BPF_MEM | BPF_W, BPF_REG_10, BPF_REG_1, -4, 0),
      insn(BPF_LD | BPF_DW | BPF_IMM, BPF_REG_1, BPF_PSEUDO_MAP_FD, 0, sockets),
      insn(0, 0, 0, 0, 0),
      move(BPF_REG_2, BPF_REG_10),
      insn(BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_2, 0, 0, -4),
      call(BPF_FUNC_map_lookup_elem),
      insn(BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_0, 0, 8, 0),
      move(BPF_REG_7, BPF_REG_0),
      move(BPF_REG_1, BPF_REG_6),
      move(BPF_REG_2, BPF_REG_7),
      move_value(BPF_REG_3, 0),
      call(BPF_FUNC_sk_assign),
      move(BPF_REG_1, BPF_REG_7),
      call(BPF_FUNC_sk_release),
      insn(BPF_JMP | BPF_JA, 0, 0, 0, 0),
      move_value(BPF_REG_0, SK_PASS),
      insn(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
  };
}

absl::StatusOr<base::UniqueFd> create_socket_map() {
  bpf_attr attributes{};
  attributes.map_type = BPF_MAP_TYPE_SOCKMAP;
  attributes.key_size = sizeof(std::uint32_t);
  attributes.value_size = sizeof(std::uint64_t);
  attributes.max_entries = 2;
  base::UniqueFd fd(bpf(BPF_MAP_CREATE, attributes));
  if (!fd.valid()) return base::errno_status("socket redirect: create map");
  return fd;
}

absl::Status put_socket(int map, std::uint32_t key, int socket) {
  const auto value = static_cast<std::uint64_t>(socket);
  bpf_attr attributes{};
  attributes.map_fd = static_cast<std::uint32_t>(map);
  attributes.key = address_of(&key);
  attributes.value = address_of(&value);
  if (bpf(BPF_MAP_UPDATE_ELEM, attributes) == 0) return absl::OkStatus();
  return base::errno_status("socket redirect: add socket");
}

absl::StatusOr<base::UniqueFd> load_program(int map) {
  const auto program = redirect_program(map);
  static constexpr char kLicense[] = "Dual BSD/GPL";
  std::array<char, 16384> log{};
  bpf_attr attributes{};
  attributes.prog_type = BPF_PROG_TYPE_SK_LOOKUP;
  attributes.expected_attach_type = BPF_SK_LOOKUP;
  attributes.insns = address_of(program.data());
  attributes.insn_cnt = program.size();
  attributes.license = address_of(kLicense);
  attributes.log_level = 1;
  attributes.log_buf = address_of(log.data());
  attributes.log_size = log.size();
  base::UniqueFd fd(bpf(BPF_PROG_LOAD, attributes));
  if (!fd.valid()) {
    return base::errno_status(fmt::format("socket redirect: load program: {}", log.data()));
  }
  return fd;
}

absl::StatusOr<base::UniqueFd> attach(int program, const Netns& netns) {
  bpf_attr attributes{};
  attributes.link_create.prog_fd = static_cast<std::uint32_t>(program);
  attributes.link_create.target_fd = static_cast<std::uint32_t>(netns.fd());
  attributes.link_create.attach_type = BPF_SK_LOOKUP;
  base::UniqueFd fd(bpf(BPF_LINK_CREATE, attributes));
  if (!fd.valid()) return base::errno_status("socket redirect: attach");
  return fd;
}

}  // namespace

absl::StatusOr<SocketRedirect> SocketRedirect::create(const Netns& netns, int tcp, int udp) {
  SocketRedirect redirect;
  VIC_ASSIGN_OR_RETURN(redirect.sockets_, create_socket_map());
  VIC_RETURN_IF_ERROR(put_socket(redirect.sockets_.get(), kTcpKey, tcp));
  VIC_RETURN_IF_ERROR(put_socket(redirect.sockets_.get(), kUdpKey, udp));
  VIC_ASSIGN_OR_RETURN(redirect.program_, load_program(redirect.sockets_.get()));
  VIC_ASSIGN_OR_RETURN(redirect.link_, attach(redirect.program_.get(), netns));
  return redirect;
}

}  // namespace vicinity::testing
