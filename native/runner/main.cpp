// Runs saved programs without Node: the contract suite and benchmarks on machines that have a compiler only.
//
//   sluice-run check DIR [device=cpu] [threads=1]            every case below DIR, held to its wanted numbers
//   sluice-run bench CASE [device=cpu] [threads=1] [runs=20]  seconds of a run, and by kind of op
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "case.h"

namespace sluice::runner {
namespace {

constexpr int kProfiledRuns = 5;

struct Arguments {
  std::string command, folder, device = "cpu";
  int threads = 1, runs = 20;
};

bool parse(int count, char** words, Arguments& out) {
  for (int i = 1; i < count; i++) {
    const std::string word = words[i];
    const std::size_t equals = word.find('=');
    const std::string key = word.substr(0, equals),
                      value = equals == word.npos ? "" : word.substr(equals + 1);
    if (equals == word.npos && i == 1)
      out.command = word;
    else if (equals == word.npos && i == 2)
      out.folder = word;
    else if (key == "device")
      out.device = value;
    else if (key == "threads" && std::atoi(value.c_str()) > 0)
      out.threads = std::atoi(value.c_str());
    else if (key == "runs" && std::atoi(value.c_str()) > 0)
      out.runs = std::atoi(value.c_str());
    else
      return std::fprintf(stderr, "error: %s is not known\n", words[i]), false;
  }
  return (out.command == "check" || out.command == "bench") && !out.folder.empty();
}

/** Folders with a program.txt, in order. */
std::vector<std::string> cases_below(const std::string& folder) {
  namespace fs = std::filesystem;
  std::vector<std::string> found;
  std::error_code error;
  if (fs::exists(fs::path(folder) / "program.txt", error)) found.push_back(folder);
  for (const auto& entry : fs::recursive_directory_iterator(folder, error)) {
    if (entry.path().filename() == "program.txt" && entry.path().parent_path() != fs::path(folder))
      found.push_back(entry.path().parent_path().string());
  }
  std::sort(found.begin(), found.end());
  return found;
}

Status check_one(const std::string& folder, const Arguments& arguments, double& error, double& tolerance) {
  Case saved;
  double seconds = 0;
  if (Status status = saved.open(folder, arguments.device, arguments.threads); !status.ok()) return status;
  if (Status status = saved.run(seconds); !status.ok()) return status;
  return saved.compare(error, tolerance);
}

int check(const Arguments& arguments) {
  int passed = 0, failed = 0;
  for (const std::string& folder : cases_below(arguments.folder)) {
    double error = 0, tolerance = 0;
    const Status status = check_one(folder, arguments, error, tolerance);
    const bool good = status.ok() && error <= tolerance;
    ++(good ? passed : failed);
    if (status.ok())
      std::printf("%s %s error %.2e tolerance %.0e\n", good ? "ok  " : "FAIL", folder.c_str(), error,
                  tolerance);
    else
      std::printf("FAIL %s: %s\n", folder.c_str(), status.message().c_str());
  }
  std::printf("%d passed, %d failed\n", passed, failed);
  return passed > 0 && failed == 0 ? 0 : 1;
}

/** The median, after three runs that make memory, choose algorithms and record. Profiled runs, which wait
 * after every op, come last. */
Status bench(const Arguments& arguments) {
  Case saved;
  if (Status status = saved.open(arguments.folder, arguments.device, arguments.threads); !status.ok())
    return status;
  std::vector<double> seconds(static_cast<std::size_t>(arguments.runs) + 3);
  for (double& taken : seconds) {
    if (Status status = saved.run(taken); !status.ok()) return status;
  }
  seconds.erase(seconds.begin(), seconds.begin() + 3);
  std::sort(seconds.begin(), seconds.end());
  std::printf("%.6f s a run (median of %d, fastest %.6f), %.1f MB of states and arena\n",
              seconds[seconds.size() / 2], arguments.runs, seconds[0],
              static_cast<double>(saved.planned_bytes()) / 1e6);
  if (arguments.device != "cpu")  // the host's memory is others' too
    std::printf("%.1f MB taken of the device's memory\n", static_cast<double>(saved.taken_bytes()) / 1e6);
  saved.set_profiling(true);
  double profiled = 0;
  for (int run = 0; run < std::min(kProfiledRuns, arguments.runs); run++) {
    if (Status status = saved.run(profiled); !status.ok()) return status;
  }
  for (const auto& [op, taken] : saved.profile()) std::printf("%12.6f s  %s\n", taken, op.c_str());
  return {};
}

}  // namespace
}  // namespace sluice::runner

int main(int count, char** words) {
  using namespace sluice::runner;
  Arguments arguments;
  if (!parse(count, words, arguments)) {
    std::fprintf(stderr,
                 "sluice-run check DIR [device=cpu|cuda|cuda:N|emulator:ascending] [threads=N]\n"
                 "sluice-run bench CASE [device=…] [threads=N] [runs=N]\n");
    return 2;
  }
  if (arguments.command == "check") return check(arguments);
  const sluice::Status status = bench(arguments);
  if (!status.ok()) std::fprintf(stderr, "error: %s\n", status.message().c_str());
  return status.ok() ? 0 : 1;
}
