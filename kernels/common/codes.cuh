// Operand values of any integer type, read as table indices.
#pragma once

// Mirrored in agnsim/kernels/cuda/arguments.py.
struct Codes {
    const void* data;
    int bytes;  // of one value: 1, 2 or 4
    int mask;  // 2^bits - 1
    int pad;  // index at padded positions
    long long image;  // strides in elements
    long long channel;
    long long row;
    long long column;
};

__device__ inline int code_at(const Codes& codes, long long offset) {
    int value;
    if (codes.bytes == 1) {
        value = __ldg(static_cast<const unsigned char*>(codes.data) + offset);
    } else if (codes.bytes == 2) {
        value = __ldg(static_cast<const unsigned short*>(codes.data) + offset);
    } else {
        value = __ldg(static_cast<const int*>(codes.data) + offset);
    }
    return value & codes.mask;
}
