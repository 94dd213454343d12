// Depthwise convolution and small groups through any table whose columns for one output fit into shared memory.
//
// A block has one output channel and copies the table column of each of its few weights; positions stream past.
#include "common/codes.cuh"
#include "common/conv.cuh"
#include "common/intrinsics.cuh"

constexpr int THREADS = 256;

// weights: uint16 [output][channel][tap]. table: int32 [weight code][activation code].
// The launch gives fan_in * (codes.mask + 1) * 4 bytes of shared memory, and `tiles` blocks per output.
extern "C" __global__ void __launch_bounds__(THREADS) depthwise(
    Codes codes, Conv conv, const unsigned short* weights, const int* table, int tiles, void* out) {
    DYNAMIC_SHARED(shared);
    int* columns = reinterpret_cast<int*>(shared);
    const int channel = blockIdx.x / tiles;
    const int group = channel / conv.group_outputs;
    const int taps = conv.kernel_h * conv.kernel_w;
    const int fan_in = conv.group_channels * taps;
    const int rows = codes.mask + 1;
    for (int at = threadIdx.x; at < fan_in * rows; at += THREADS) {
        const int term = at / rows;
        const long long weight = __ldg(weights + (long long)channel * fan_in + term);
        columns[at] = __ldg(table + weight * rows + (at - term * rows));
    }
    __syncthreads();
    const int count = positions(conv);
    for (int index = (blockIdx.x % tiles) * THREADS + threadIdx.x; index < count; index += tiles * THREADS) {
        const Position at = position(conv, index);
        long long sum = 0;
        for (int tap = 0; tap < taps; ++tap) {
            const int tap_row = tap / conv.kernel_w;
            const int tap_column = tap - tap_row * conv.kernel_w;
            const bool real = is_real(conv, at, tap_row, tap_column);
            if (conv.skip && !real) {
                continue;
            }
            const int row = at.row * conv.stride_h + tap_row * conv.dilation_h - conv.top;
            const int column = at.column * conv.stride_w + tap_column * conv.dilation_w - conv.left;
            const long long start = at.image * codes.image + row * codes.row + column * codes.column +
                                    group * (long long)conv.group_channels * codes.channel;
            for (int c = 0; c < conv.group_channels; ++c) {
                const int code = real ? code_at(codes, start + c * codes.channel) : codes.pad;
                sum += columns[(c * taps + tap) * rows + code];
            }
        }
        write_sum(conv, out, out_offset(conv, index) + channel * conv.out_channel, sum);
    }
}
