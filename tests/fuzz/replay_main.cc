// Plays files and folders of them through a fuzz target, where there is no libFuzzer.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

namespace fs = std::filesystem;

void play(const fs::path& path, int& played) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes(std::istreambuf_iterator<char>(file), {});
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  ++played;
}

}  // namespace

int main(int argc, char** argv) {
  int played = 0;
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  for (const std::string& argument : arguments) {
    if (fs::is_regular_file(argument)) play(argument, played);
    if (!fs::is_directory(argument)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(argument)) {
      if (entry.is_regular_file()) play(entry.path(), played);
    }
  }
  std::printf("%d inputs\n", played);
  return played > 0 ? 0 : 1;
}
