#include "base/text/hex.h"

void hex_write(const uint8_t *bytes, size_t count, char *out) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < count; i++) {
        *out++ = digits[bytes[i] >> 4];
        *out++ = digits[bytes[i] & 0xf];
    }
    *out = '\0';
}

int hex_digit(uint8_t letter) {
    if (letter >= '0' && letter <= '9')
        return letter - '0';
    letter |= 0x20;
    return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

static int lower_digit(uint8_t letter) {
    return letter >= 'A' && letter <= 'F' ? -1 : hex_digit(letter);
}

bool hex_read(struct bytes text, size_t count, uint8_t *out) {
    if (text.length != 2 * count)
        return false;
    for (size_t i = 0; i < count; i++) {
        int high = lower_digit(text.data[2 * i]), low = lower_digit(text.data[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}
