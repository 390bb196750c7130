// Writes what the GPU did in this process to the file that CONTRAIL_KERNEL_TRACE names: a line each of
// kind, start and end in ns, tab, name. The driver loads this library where CUDA_INJECTION64_PATH names it.
#include <cupti.h>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

// Records grow with each version of CUPTI; the fields read here stay.
#ifndef KERNEL_RECORD
#define KERNEL_RECORD CUpti_ActivityKernel9
#endif
#ifndef COPY_RECORD
#define COPY_RECORD CUpti_ActivityMemcpy6
#endif

namespace {

constexpr size_t buffer_bytes = 4 << 20;
constexpr uint32_t flush_ms = 100;
FILE* trace = nullptr;

void CUPTIAPI request(uint8_t** buffer, size_t* size, size_t* most_records) {
  *buffer = static_cast<uint8_t*>(aligned_alloc(64, buffer_bytes));
  *size = buffer_bytes;
  *most_records = 0;
}

const char* direction(uint8_t kind) {
  switch (kind) {
    case CUPTI_ACTIVITY_MEMCPY_KIND_HTOD: return "host to device";
    case CUPTI_ACTIVITY_MEMCPY_KIND_DTOH: return "device to host";
    case CUPTI_ACTIVITY_MEMCPY_KIND_DTOD: return "device to device";
    default: return "other";
  }
}

void write(const CUpti_Activity* record) {
  if (record->kind == CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL || record->kind == CUPTI_ACTIVITY_KIND_KERNEL) {
    const auto* kernel = reinterpret_cast<const KERNEL_RECORD*>(record);
    fprintf(trace, "kernel %llu %llu\t%s\n", (unsigned long long)kernel->start, (unsigned long long)kernel->end, kernel->name);
  } else if (record->kind == CUPTI_ACTIVITY_KIND_MEMCPY) {
    const auto* copy = reinterpret_cast<const COPY_RECORD*>(record);
    fprintf(trace, "copy %llu %llu\t%s %llu\n", (unsigned long long)copy->start, (unsigned long long)copy->end,
            direction(copy->copyKind), (unsigned long long)copy->bytes);
  }
}

void CUPTIAPI complete(CUcontext, uint32_t, uint8_t* buffer, size_t, size_t valid) {
  CUpti_Activity* record = nullptr;
  while (cuptiActivityGetNextRecord(buffer, valid, &record) == CUPTI_SUCCESS) write(record);
  fflush(trace);
  free(buffer);
}

void finish() { cuptiActivityFlushAll(CUPTI_ACTIVITY_FLAG_FLUSH_FORCED); }

}  // namespace

extern "C" int InitializeInjection() {
  const char* path = getenv("CONTRAIL_KERNEL_TRACE");
  // Children of a traced process share its environment.
  if (path == nullptr || trace != nullptr || (trace = fopen(path, "a")) == nullptr) return 1;
  if (cuptiActivityRegisterCallbacks(request, complete) != CUPTI_SUCCESS) return 1;
  cuptiActivityEnable(CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL);
  cuptiActivityEnable(CUPTI_ACTIVITY_KIND_MEMCPY);
  cuptiActivityFlushPeriod(flush_ms);
  atexit(finish);
  return 1;
}
