// Activations of any integer type and layout to octets: eight 8-bit table indices of eight terms of the sum, laid out
// [image][group][octet][row][column], so that neighbouring threads read neighbouring octets, with padding in place.
#include "common/codes.cuh"
#include "common/conv.cuh"

// Channels by eights; rows and columns include the padding.
extern "C" __global__ void __launch_bounds__(256) pack_channels(Codes codes, Conv conv, uint2* packed) {
    const long long count =
        (long long)conv.images * conv.groups * conv.octets * conv.height * conv.width;
    for (long long at = blockIdx.x * 256LL + threadIdx.x; at < count; at += gridDim.x * 256LL) {
        const int column = int(at % conv.width) - conv.left;
        long long rest = at / conv.width;
        const int row = int(rest % conv.height) - conv.top;
        rest /= conv.height;
        const int octet = int(rest % conv.octets);
        rest /= conv.octets;
        const int group = int(rest % conv.groups);
        const long long start = rest / conv.groups * codes.image + row * codes.row + column * codes.column;
        const bool real = unsigned(row) < unsigned(conv.real_height) && unsigned(column) < unsigned(conv.real_width);
        unsigned words[2] = {0, 0};
#pragma unroll
        for (int slot = 0; slot < 8; ++slot) {
            const int channel = octet * 8 + slot;
            unsigned code = 0;
            if (channel < conv.group_channels) {
                const long long plane = (group * (long long)conv.group_channels + channel) * codes.channel;
                code = real ? code_at(codes, start + plane) : codes.pad;
            }
            words[slot / 4] |= code << (slot % 4 * 8);
        }
        packed[at] = make_uint2(words[0], words[1]);
    }
}

// Channels and taps together by eights, one column per output position: for few channels, whose octets would be
// mostly empty.
extern "C" __global__ void __launch_bounds__(256) pack_fields(Codes codes, Conv conv, int octets, uint2* packed) {
    const int taps = conv.kernel_h * conv.kernel_w;
    const int pixels = conv.out_height * conv.out_width;
    const long long count = (long long)conv.images * conv.groups * octets * pixels;
    for (long long at = blockIdx.x * 256LL + threadIdx.x; at < count; at += gridDim.x * 256LL) {
        const int pixel = int(at % pixels);
        long long rest = at / pixels;
        const int octet = int(rest % octets);
        rest /= octets;
        const int group = int(rest % conv.groups);
        const long long image = rest / conv.groups;
        const int top = pixel / conv.out_width * conv.stride_h - conv.top;
        const int left = pixel % conv.out_width * conv.stride_w - conv.left;
        unsigned words[2] = {0, 0};
        for (int slot = 0; slot < 8; ++slot) {
            const int term = octet * 8 + slot;
            const int channel = term / taps;
            if (channel >= conv.group_channels) {
                break;
            }
            const int tap = term - channel * taps;
            const int row = top + tap / conv.kernel_w * conv.dilation_h;
            const int column = left + tap % conv.kernel_w * conv.dilation_w;
            unsigned code = codes.pad;
            if (unsigned(row) < unsigned(conv.real_height) && unsigned(column) < unsigned(conv.real_width)) {
                code = code_at(codes, image * codes.image + row * codes.row + column * codes.column +
                                          (group * (long long)conv.group_channels + channel) * codes.channel);
            }
            words[slot / 4] |= code << (slot % 4 * 8);
        }
        packed[at] = make_uint2(words[0], words[1]);
    }
}
