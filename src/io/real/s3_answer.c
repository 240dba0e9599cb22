#include "io/real/s3_answer.h"
#include <stdio.h>
#include <stdlib.h>

enum { ELEMENT_BYTES = 64, SIZE_DIGITS_BYTES = 24, REFERENCE_BYTES = 12 };

struct bytes s3_element(struct bytes xml, const char *name) {
    char begin[ELEMENT_BYTES], end[ELEMENT_BYTES];
    size_t begin_bytes = (size_t)snprintf(begin, sizeof begin, "<%s>", name);
    size_t end_bytes = (size_t)snprintf(end, sizeof end, "</%s>", name);
    const uint8_t *from = xml.data ? memmem(xml.data, xml.length, begin, begin_bytes) : NULL;
    if (!from)
        return BYTES_NONE;
    from += begin_bytes;
    size_t left = xml.length - (size_t)(from - xml.data);
    const uint8_t *to = memmem(from, left, end, end_bytes);
    return to ? bytes_of(from, (size_t)(to - from)) : BYTES_NONE;
}

/* ---- text in XML ---- */

struct text {
    char *at, *end; /* one byte before the end is for the NUL */
};

static bool put(struct text *text, unsigned char byte) {
    if (text->at + 1 >= text->end || byte == '\0')
        return false;
    *text->at++ = (char)byte;
    return true;
}

static bool put_code_point(struct text *text, unsigned long code) {
    if (code < 0x80)
        return put(text, (unsigned char)code);
    if (code < 0x800)
        return put(text, (unsigned char)(0xc0 | code >> 6)) &&
               put(text, (unsigned char)(0x80 | (code & 0x3f)));
    if (code < 0x10000)
        return put(text, (unsigned char)(0xe0 | code >> 12)) &&
               put(text, (unsigned char)(0x80 | (code >> 6 & 0x3f))) &&
               put(text, (unsigned char)(0x80 | (code & 0x3f)));
    return code < 0x110000 && put(text, (unsigned char)(0xf0 | code >> 18)) &&
           put(text, (unsigned char)(0x80 | (code >> 12 & 0x3f))) &&
           put(text, (unsigned char)(0x80 | (code >> 6 & 0x3f))) &&
           put(text, (unsigned char)(0x80 | (code & 0x3f)));
}

/* What stands between '&' and ';' (XML 1.0, 4.1 and 4.6). */
static bool put_reference(struct text *text, struct bytes name) {
    static const struct {
        const char *name;
        char letter;
    } known[] = {{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}};
    char digits[REFERENCE_BYTES], *end;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (bytes_equal(name, bytes_of_text(known[i].name)))
            return put(text, (unsigned char)known[i].letter);
    if (name.length < 2 || name.length >= sizeof digits || name.data[0] != '#')
        return false;
    bool is_hexadecimal = name.data[1] == 'x';
    snprintf(digits, sizeof digits, "%.*s", BYTES_PRINT(name));
    const char *first = digits + (is_hexadecimal ? 2 : 1);
    unsigned long code = strtoul(first, &end, is_hexadecimal ? 16 : 10);
    return end != first && *end == '\0' && put_code_point(text, code);
}

/* False: it is longer than there is room for, or no text. */
static bool read_text(struct bytes written, char *out, size_t out_bytes) {
    struct text text = {.at = out, .end = out + out_bytes};
    for (size_t i = 0; i < written.length; i++) {
        size_t begin = i + 1;
        if (written.data[i] != '&') {
            if (!put(&text, written.data[i]))
                return false;
            continue;
        }
        while (i < written.length && written.data[i] != ';')
            i++;
        if (i == written.length || !put_reference(&text, bytes_of(written.data + begin, i - begin)))
            return false;
    }
    *text.at = '\0';
    return true;
}

/* ---- text in a URL ---- */

static bool is_unreserved(char letter) {
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
           (letter >= '0' && letter <= '9') || strchr("-_.~", letter) != NULL;
}

bool s3_append_escaped(char *url, size_t url_bytes, const char *text) {
    size_t at = strlen(url);
    for (; *text; text++) {
        if (at + 4 > url_bytes)
            return false;
        if (is_unreserved(*text))
            url[at++] = *text;
        else
            at += (size_t)snprintf(url + at, 4, "%%%02X", (unsigned char)*text);
        url[at] = '\0';
    }
    return true;
}

/* ---- listings ---- */

static int take_one(struct s3_listing *listing, struct bytes contents) {
    struct bytes size = s3_element(contents, "Size");
    char digits[SIZE_DIGITS_BYTES];
    if (!read_text(s3_element(contents, "Key"), listing->last, sizeof listing->last) ||
        listing->last[0] == '\0' || !read_text(size, digits, sizeof digits))
        return ERR_MALFORMED;
    size_t skipped = strlen(listing->prefix);
    const char *name = listing->last + skipped;
    bool is_ours = strncmp(listing->last, listing->prefix, skipped) == 0 &&
                   blob_name_is_valid(name) &&
                   strncmp(name, listing->wanted, strlen(listing->wanted)) == 0;
    return is_ours ? listing->each(listing->context, name, strtoull(digits, NULL, 10)) : 0;
}

static bool is_listing(struct bytes xml) {
    static const char begin[] = "<ListBucketResult", end[] = "</ListBucketResult>";
    return xml.data && memmem(xml.data, xml.length, begin, sizeof begin - 1) &&
           memmem(xml.data, xml.length, end, sizeof end - 1);
}

int s3_listing_read(struct s3_listing *listing, struct bytes xml) {
    char before[S3_KEY_BYTES];
    memcpy(before, listing->last, sizeof before);
    if (!is_listing(xml))
        return ERR_MALFORMED;
    listing->is_truncated = bytes_equal(s3_element(xml, "IsTruncated"), BYTES_LITERAL("true"));
    for (struct bytes contents; (contents = s3_element(xml, "Contents")).data;) {
        int status = take_one(listing, contents);
        if (status)
            return status;
        const uint8_t *end = xml.data + xml.length;
        xml = bytes_of(contents.data + contents.length,
                       (size_t)(end - contents.data) - contents.length);
    }
    listing->is_stuck = listing->is_truncated && strcmp(listing->last, before) <= 0;
    return listing->is_stuck ? ERR_MALFORMED : 0;
}
