#include "base/text/glob.h"

static int glob_fold(int byte, bool ignore_case) {
    return ignore_case && byte >= 'A' && byte <= 'Z' ? byte + ('a' - 'A') : byte;
}

static bool glob_is_same(uint8_t a, uint8_t b, bool ignore_case) {
    return glob_fold(a, ignore_case) == glob_fold(b, ignore_case);
}

static bool glob_is_in_range(uint8_t one, uint8_t other, uint8_t byte, bool ignore_case) {
    int low = (signed char)one, high = (signed char)other;
    if (low > high) {
        int swapped = low;
        low = high;
        high = swapped;
    }
    int folded = glob_fold((signed char)byte, ignore_case);
    return folded >= glob_fold(low, ignore_case) && folded <= glob_fold(high, ignore_case);
}

/* The class whose '[' stands at *at; moves *at behind its ']', or to the end where there is none.
 */
static bool glob_class(struct bytes pattern, size_t *at, uint8_t byte, bool ignore_case) {
    const uint8_t *p = pattern.data;
    size_t i = *at + 1;
    bool is_negated = i < pattern.length && p[i] == '^';
    if (is_negated)
        i++;
    bool is_in = false;
    for (; i < pattern.length && p[i] != ']'; i++) {
        size_t left = pattern.length - i;
        if (left >= 2 && p[i] == '\\') {
            i++;
            is_in |= p[i] == byte; /* an escaped byte compares with its case, as in Redis */
        } else if (left >= 3 && p[i + 1] == '-') {
            is_in |= glob_is_in_range(p[i], p[i + 2], byte, ignore_case);
            i += 2;
        } else {
            is_in |= glob_is_same(p[i], byte, ignore_case);
        }
    }
    *at = i < pattern.length ? i + 1 : i;
    return is_in != is_negated;
}

/* One element that is not '*' against one byte; moves *at behind the element. */
static bool glob_element(struct bytes pattern, size_t *at, uint8_t byte, bool ignore_case) {
    uint8_t element = pattern.data[*at];
    if (element == '[')
        return glob_class(pattern, at, byte, ignore_case);
    if (element == '\\' && *at + 1 < pattern.length)
        element = pattern.data[++*at];
    else if (element == '?') {
        (*at)++;
        return true;
    }
    (*at)++;
    return glob_is_same(element, byte, ignore_case);
}

static size_t glob_skip_stars(struct bytes pattern, size_t at) {
    while (at < pattern.length && pattern.data[at] == '*')
        at++;
    return at;
}

bool glob_match(struct bytes pattern, struct bytes text, bool ignore_case) {
    if (text.length == 0)
        return pattern.length == 0;
    size_t at = 0, text_at = 0;
    size_t star_rest = 0,
           star_text = 0; /* behind the latest '*', and where its rest was last tried */
    bool has_star = false;
    while (text_at < text.length) {
        if (at < pattern.length && pattern.data[at] == '*') {
            at = star_rest = glob_skip_stars(pattern, at);
            star_text = text_at;
            has_star = true;
            if (at == pattern.length)
                return true;
        } else if (at < pattern.length &&
                   glob_element(pattern, &at, text.data[text_at], ignore_case)) {
            text_at++;
        } else if (has_star) {
            at = star_rest;
            text_at = ++star_text;
        } else {
            return false;
        }
    }
    return glob_skip_stars(pattern, at) == pattern.length;
}
