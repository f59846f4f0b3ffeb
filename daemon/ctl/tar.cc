#include "ctl/tar.h"

#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <optional>
#include <utility>

#include "base/status.h"
#include "base/unique_fd.h"

namespace vicinity::ctl {
namespace {

constexpr size_t kBlock = 512;
constexpr mode_t kMode = 0600;
// A header that claims more is damaged.
constexpr size_t kLargest = size_t{2} << 30;
constexpr size_t kReadAtOnce = size_t{1} << 20;

// The ustar header; numbers are octal text.
struct Header {
  char name[100];
  char mode[8];
  char uid[8];
  char gid[8];
  char size[12];
  char mtime[12];
  char checksum[8];
  char type;
  char linkname[100];
  char magic[8];
  char rest[247];
};
static_assert(sizeof(Header) == kBlock);

std::string_view bytes_of(const Header& header) {
  return {reinterpret_cast<const char*>(&header), sizeof(header)};
}

// The sum of all bytes, those of the checksum itself as blanks.
unsigned checksum(Header header) {
  std::memset(header.checksum, ' ', sizeof(header.checksum));
  unsigned sum = 0;
  for (const char c : bytes_of(header)) sum += static_cast<unsigned char>(c);
  return sum;
}

Header header_of(std::string_view name, size_t size) {
  Header header{};
  name.copy(header.name, sizeof(header.name));
  fmt::format_to_n(header.mode, sizeof(header.mode) - 1, "{:07o}", kMode);
  fmt::format_to_n(header.uid, sizeof(header.uid) - 1, "{:07o}", 0);
  fmt::format_to_n(header.gid, sizeof(header.gid) - 1, "{:07o}", 0);
  fmt::format_to_n(header.size, sizeof(header.size) - 1, "{:011o}", size);
  fmt::format_to_n(header.mtime, sizeof(header.mtime) - 1, "{:011o}", 0);
  header.type = '0';
  std::memcpy(header.magic, "ustar\00000", sizeof(header.magic));
  fmt::format_to_n(header.checksum, sizeof(header.checksum) - 2, "{:06o}", checksum(header));
  header.checksum[sizeof(header.checksum) - 1] = ' ';
  return header;
}

size_t padding(size_t size) { return (kBlock - size % kBlock) % kBlock; }

template <size_t N>
std::optional<size_t> octal(const char (&field)[N]) {
  size_t value = 0;
  const auto [end, error] = std::from_chars(field, field + N, value, 8);
  if (error != std::errc() || end == field) return std::nullopt;
  return value;
}

absl::Status damaged(const std::string& path) {
  return base::invalid("bundle {}: not a bundle, or damaged", path);
}

// Exactly so many bytes; fewer: not ok.
bool read_whole(gzFile file, char* to, size_t size) {
  for (size_t at = 0; at < size;) {
    const auto want = static_cast<unsigned>(std::min(size - at, kReadAtOnce));
    const int got = gzread(file, to + at, want);
    if (got <= 0) return false;
    at += static_cast<size_t>(got);
  }
  return true;
}

}  // namespace

void CloseGzip::operator()(gzFile_s* file) const { gzclose(file); }

absl::StatusOr<TarWriter> TarWriter::create(const std::string& path) {
  base::UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kMode));
  if (!fd.valid()) return base::errno_status("bundle " + path);
  Gzip file(gzdopen(fd.get(), "wb"));
  if (file == nullptr) return base::invalid("bundle {}: out of memory", path);
  (void)fd.release();  // gzclose closes it
  return TarWriter(path, std::move(file));
}

absl::Status TarWriter::write(std::string_view bytes) {
  if (bytes.empty()) return absl::OkStatus();
  const size_t written = gzfwrite(bytes.data(), 1, bytes.size(), file_.get());
  if (written == bytes.size()) return absl::OkStatus();
  return base::errno_status("bundle " + path_ + ": write");
}

absl::Status TarWriter::add(std::string_view name, std::string_view content) {
  static constexpr std::array<char, kBlock> kZeros{};
  VIC_RETURN_IF_ERROR(write(bytes_of(header_of(name, content.size()))));
  VIC_RETURN_IF_ERROR(write(content));
  return write({kZeros.data(), padding(content.size())});
}

absl::Status TarWriter::finish() {
  VIC_RETURN_IF_ERROR(write(std::string(2 * kBlock, '\0')));
  if (gzclose(file_.release()) == Z_OK) return absl::OkStatus();
  return base::errno_status("bundle " + path_ + ": write");
}

absl::Status read_tar(const std::string& path,
                      const std::function<bool(std::string_view, std::string)>& take) {
  const Gzip file(gzopen(path.c_str(), "rb"));
  if (file == nullptr) return base::invalid("bundle {}: {}", path, std::strerror(errno));
  Header header{};
  while (read_whole(file.get(), reinterpret_cast<char*>(&header), sizeof(header))) {
    if (header.name[0] == '\0') return absl::OkStatus();  // the end
    const auto size = octal(header.size);
    const auto sum = octal(header.checksum);
    if (!size || *size > kLargest || !sum || *sum != checksum(header)) return damaged(path);
    std::string content(*size + padding(*size), '\0');
    if (!read_whole(file.get(), content.data(), content.size())) return damaged(path);
    content.resize(*size);
    const std::string name(header.name, strnlen(header.name, sizeof(header.name)));
    if (!take(name, std::move(content))) return absl::OkStatus();
  }
  return damaged(path);
}

}  // namespace vicinity::ctl
