// A CUDA driver library that writes every call to standard output, so that the launcher's calls go through the real
// bindings where no driver is. `cuLaunchKernel` prints what the first two kernel parameters point to.
#include <cstdio>
#include <cstdlib>
#include <cstring>

using Any = void*;

extern "C" {
static int said(const char* name) {
    const char* failing = std::getenv("FAILING_CALL");
    const bool fails = failing && !std::strcmp(failing, name);
    std::printf("%s%s\n", name, fails ? " fails" : "");
    std::fflush(stdout);
    return fails ? 2 : 0;  // CUDA_ERROR_OUT_OF_MEMORY
}

static int init(unsigned) { return said("cuInit"); }
static int device(int* found, int ordinal) { *found = ordinal; return said("cuDeviceGet"); }
static int attribute(int* value, int, int) { *value = 99 << 10; return said("cuDeviceGetAttribute"); }
static int retain(Any* context, int) { *context = Any(0x10); return said("cuDevicePrimaryCtxRetain"); }
static int push(Any context) { std::printf("%p ", context); return said("cuCtxPushCurrent"); }
static int pop(Any* context) { if (context) *context = nullptr; return said("cuCtxPopCurrent"); }
static int load(Any* module, const void* code) {
    std::printf("%.3s ", static_cast<const char*>(code) + 1);
    *module = Any(0x20);
    return said("cuModuleLoadData");
}
static int function(Any* found, Any, const char* name) {
    std::printf("%s ", name);
    *found = Any(0x30);
    return said("cuModuleGetFunction");
}
static int set(Any, int which, int value) { std::printf("%d %d ", which, value); return said("cuFuncSetAttribute"); }
static int launch(
    Any, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned shared, Any stream,
    void** parameters, void**) {
    std::printf(
        "%u,%u,%u %u,%u,%u %u %p %d %d ", gx, gy, gz, bx, by, bz, shared, stream, *static_cast<int*>(parameters[0]),
        **static_cast<int**>(parameters[1]));
    return said("cuLaunchKernel");
}

int cuGetProcAddress_v2(const char* symbol, Any* found, int, unsigned long long, Any) {
    const struct { const char* name; Any at; } known[] = {
        {"cuInit", Any(init)}, {"cuDeviceGet", Any(device)}, {"cuDeviceGetAttribute", Any(attribute)},
        {"cuDevicePrimaryCtxRetain", Any(retain)}, {"cuCtxPushCurrent", Any(push)}, {"cuCtxPopCurrent", Any(pop)},
        {"cuModuleLoadData", Any(load)}, {"cuModuleGetFunction", Any(function)}, {"cuFuncSetAttribute", Any(set)},
        {"cuLaunchKernel", Any(launch)}};
    *found = nullptr;
    for (const auto& entry : known) {
        if (!std::strcmp(symbol, entry.name)) *found = entry.at;
    }
    return 0;
}
}
